using System.Globalization;
using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>
/// How soon a fresh NodeProxy carries, and what it and Redirector take at rest. The client is there before: its connection waits in the
/// queue of the listener, and its byte in the kernel.
/// </summary>
internal sealed class Start(int pods) : IScenario
{
    // NodeProxy's log says with the time when the certificates of the process before are in its hands, and its view or a newer one.
    private static readonly string[] AtHand = ["Restored what the process before left", "the controller was faster: its view is newer"];

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromSeconds(30);

    public string Name => "start";

    public string What => $"a new NodeProxy on a node of {pods} pods: from view and certificates at hand to the first byte that came back through a new tunnel; from its exec to that byte; PSS at rest";

    public Stage Stage => Stage.Rest;

    public bool WarmsUp => false;

    public IReadOnlyList<string> Programs => [];

    public IReadOnlyList<Figure> Figures =>
    [
        new("first-byte", "ms from view and certificates at hand", AtMost: 100), new("exec-to-first-byte", "ms"),
        new("node-rest", "MB PSS of NodeProxy", AtMost: 20), new("redirector-rest", "MB PSS of Redirector", AtMost: 8),
    ];

    public bool Fits(string peer) => true;

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) => [await IdleLoad.StartServerAsync(ground.Lab, peer.ServerNetwork)];

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var node = ((AmbientPeer)peer).Nodes[0];
        await Task.Delay(Rest); // what a process leaves to the next is written a while after the last change
        await node.NodeProxy.StopAsync(Patience);
        var isConnected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAnswered = new TaskCompletionSource<DateTimeOffset>(TaskCreationOptions.RunContinuationsAsynchronously);
        var command = Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"), "first-byte", "--to", $"{peer.AddressOf(IdleClients.Port)}").Inside(peer.ClientNetwork);
        var client = LabProcess.Start($"first byte over {peer.Name}", command, ground.Lab.Log, line =>
        {
            if (line == FirstByteClient.Connected) isConnected.SetResult();
            else isAnswered.SetResult(TimeOf(line));
        });
        await InTimeAsync(ground, client, isConnected.Task);
        var began = TimeProvider.System.GetUtcNow();
        node.NodeProxy.Start();
        await InTimeAsync(ground, client, isAnswered.Task);
        var answered = await isAnswered.Task;
        await client.Ended;
        await ((AmbientPeer)peer).UntilItHasItsPodsAsync(node);
        await Task.Delay(Rest);

        var line = ground.Lab.Log.Of(node.NodeProxy.Name).LastOrDefault(line => AtHand.Any(text => line.Contains(text, StringComparison.Ordinal))) ?? throw new LabException($"{node.Name} has restored nothing\n{ground.Lab.Log.Tail()}");
        var atHand = TimeOf(line.Split(' ')[0]);
        if (atHand < began) throw new LabException($"{node.Name} has restored nothing since {began:O}: {line}");
        return new Dictionary<string, double>
        {
            ["first-byte"] = (answered - atHand).TotalMilliseconds, ["exec-to-first-byte"] = (answered - began).TotalMilliseconds,
            ["node-rest"] = ProcessMemory.Bytes([node.NodeProxy.Current!.Id]) / 1e6, ["redirector-rest"] = ProcessMemory.Bytes([node.Redirector.Current!.Id]) / 1e6,
        };
    }

    private static DateTimeOffset TimeOf(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static async Task InTimeAsync(Ground ground, LabProcess client, Task happens)
    {
        if (await Task.WhenAny(happens, client.Ended, Task.Delay(Patience)) == happens) return;
        await client.KillAsync();
        throw new LabException($"{client.Name}: no answer\n{ground.Lab.Log.Tail()}");
    }
}
