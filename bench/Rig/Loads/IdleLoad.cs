using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>Starts the processes that hold connections, and the servers behind them.</summary>
internal static class IdleLoad
{
    private static readonly string Rig = Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig");

    /// <summary>Starts the echo in a pod.</summary>
    public static Task<LabProcess> StartServerAsync(Cli.Lab.Lab lab, string network) =>
        Listening.StartAsync(lab, "echo", Command.Of(Rig, "echo-server"), network, IdleClients.Port);

    /// <summary>Opens connections and returns the process that holds them when each has carried a byte each way.</summary>
    /// <exception cref="LabException">They did not open in two minutes.</exception>
    public static async Task<LabProcess> OpenAsync(Cli.Lab.Lab lab, string network, IPEndPoint to, int count)
    {
        var isOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var name = $"idle clients in {network}";
        var client = LabProcess.Start(name, Command.Of(Rig, "idle-clients", "--to", $"{to}", "--count", $"{count}").Inside(network), lab.Log, _ => isOpen.TrySetResult());
        if (await Task.WhenAny(isOpen.Task, client.Ended, Task.Delay(TimeSpan.FromMinutes(2))) != isOpen.Task)
        {
            await client.KillAsync();
            throw new LabException($"{name}: they did not get {count} connections to {to}\n{lab.Log.Tail()}");
        }
        return client;
    }
}
