using System.Globalization;
using System.Net;
using System.Text.Json;
using Ambient.Cli.App;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>
/// Steady traffic: a client process in a pod that opens a connection after the other and verifies every byte. What it counts is what an
/// app would have seen: nothing is tried again.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(30);

    private readonly Lab _lab;
    private readonly string _name;
    private readonly LabProcess _process;
    private LoadTally _tally = LoadTally.Nothing;
    private int _lines;

    private Load(Lab lab, string name, Command command)
    {
        (_lab, _name) = (lab, name);
        _process = LabProcess.Start(name, command, lab.Log, Read);
    }

    /// <summary>What it has told last.</summary>
    public LoadTally Tally => Volatile.Read(ref _tally);

    /// <summary>Starts to call, and returns when the first calls have succeeded.</summary>
    /// <param name="network">From where.</param>
    /// <param name="rate">Connections a second.</param>
    /// <param name="seed">Names the pattern of the payload.</param>
    public static async Task<Load> StartAsync(Lab lab, string network, IPAddress address, int port, double rate = 50, ulong seed = 1)
    {
        var name = $"load {network} {address}";
        var load = new Load(lab, name, Command.Of(
            Programs.Cli, "app", "load", "--to", new IPEndPoint(address, port).ToString(), "--rate", rate.ToString(CultureInfo.InvariantCulture),
            "--seed", seed.ToString("x", CultureInfo.InvariantCulture), "--workers", "8").Inside(network));
        await lab.UntilAsync($"{name} has its first answers", SettlePatience, () =>
            Task.FromResult(load.Tally.Ok > 5 ? null : $"{load.Tally.Ok} answers. {load.Tally.LastFailure}"));
        return load;
    }

    /// <summary>Starts the server that such a client wants, inside a pod; it serves when this returns.</summary>
    public static async Task<LabProcess> ServeAsync(Lab lab, PodPlan pod)
    {
        var name = $"server {pod.Name}";
        var before = lab.Log.Of(name).Count;
        var process = LabProcess.Start(name, Command.Of(Programs.Cli, "app", "serve", "--port", $"{Plans.AppPort}").Inside(pod.Network), lab.Log);
        await lab.UntilAsync($"{name} serves", SettlePatience, () => Task.FromResult(
            lab.Log.Of(name).Skip(before).Contains("serving") ? null : process.Ended.IsCompleted ? "it has ended" : "it does not yet"));
        return process;
    }

    /// <summary>Waits until it has told what it saw of everything up to now, and more connections than that have succeeded.</summary>
    public async Task SettleAsync()
    {
        var (lines, ok) = (Volatile.Read(ref _lines) + 2, Tally.Ok);
        await _lab.UntilAsync($"{_name} goes on", SettlePatience, () => Task.FromResult(
            Volatile.Read(ref _lines) >= lines && Tally.Ok > ok ? null : $"{Tally.Ok} answers, {Tally.Failed} failures. {Tally.LastFailure}"));
    }

    /// <summary>Ends it; connections under way end as they do.</summary>
    /// <returns>All that it saw.</returns>
    public async Task<LoadTally> StopAsync()
    {
        await _process.TerminateAsync(SettlePatience);
        return Tally;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _process.KillAsync();

    private void Read(string line)
    {
        if (JsonSerializer.Deserialize(line, LoadJson.Default.LoadTally) is not { } tally) return;
        Volatile.Write(ref _tally, tally);
        Interlocked.Increment(ref _lines);
    }
}
