using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Memory of connections that are open and silent.</summary>
internal sealed class Idle(int connections) : IScenario
{
    private static readonly string Rig = Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig");

    public string Name => "idle";

    public string What => $"{connections} open connections that have carried one byte each way; PSS of the proxies";

    public bool IsSameNode => false;

    public IReadOnlyList<string> Programs => [];

    public IReadOnlyList<Figure> Figures => [new("memory", "bytes a connection", Reach: 0.03)];

    // A connection that never speaks HTTP is nothing that an HTTP proxy takes.
    public bool Fits(string peer) => peer is not ("haproxy-http" or "direct");

    public async Task<LabProcess> ServeAsync(Ground ground, string network)
    {
        var server = LabProcess.Start($"echo {network}", Command.Of(Rig, "echo-server").Inside(network), ground.Lab.Log);
        await ground.Lab.UntilAsync("the echo serves", TimeSpan.FromSeconds(10), () =>
            Task.FromResult(ground.Lab.Log.Of($"echo {network}").Contains("serving") ? null : "it does not yet"));
        return server;
    }

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var before = ProcessMemory.Bytes(peer.Processes);
        var isOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var client = LabProcess.Start($"idle clients of {peer.Name}", Command.Of(Rig, "idle-clients", "--to", $"{peer.AddressOf(IdleClients.Port)}", "--count", $"{connections}").Inside(peer.ClientNetwork),
            ground.Lab.Log, line => isOpen.TrySetResult());
        if (await Task.WhenAny(isOpen.Task, client.Ended, Task.Delay(TimeSpan.FromMinutes(2))) != isOpen.Task)
            throw new LabException($"{peer.Name}: the clients did not get {connections} connections\n{ground.Lab.Log.Tail()}");
        var after = ProcessMemory.Bytes(peer.Processes);
        await client.KillAsync();
        // The ends reach the proxies before the next round looks at their memory.
        await Task.Delay(TimeSpan.FromSeconds(2));
        return new Dictionary<string, double> { ["memory"] = (after - before) / connections };
    }
}
