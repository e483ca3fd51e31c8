using System.Globalization;
using System.Net;
using System.Text.Json;
using Ambient.Cli.App;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>A process in a pod that opens connections as fast as they go.</summary>
internal sealed class Flood : IAsyncDisposable
{
    private readonly LabProcess _process;
    private FloodTally _tally = new(0, 0, 0, 0, 0);

    private Flood(Lab lab, string network, Command command) => _process = LabProcess.Start($"flood {network}", command, lab.Log, Read);

    /// <summary>What it has told last.</summary>
    public FloodTally Tally => Volatile.Read(ref _tally);

    /// <summary>Ends when all attempts are made, if it does not hold them.</summary>
    public Task Ended => _process.Ended;

    /// <summary>Starts it.</summary>
    public static Flood Start(Lab lab, string network, IPAddress address, int port, long attempts, bool holds = false) => new(lab, network, Command.Of(
        Programs.Cli,
        [
            "app", "flood", "--to", new IPEndPoint(address, port).ToString(), "--attempts", attempts.ToString(CultureInfo.InvariantCulture),
            .. holds ? ["--hold"] : Array.Empty<string>(),
        ]).Inside(network));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _process.KillAsync();

    private void Read(string line)
    {
        if (JsonSerializer.Deserialize(line, FloodJson.Default.FloodTally) is { } tally) Volatile.Write(ref _tally, tally);
    }
}
