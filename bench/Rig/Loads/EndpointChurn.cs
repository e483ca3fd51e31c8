using System.Diagnostics;
using System.Globalization;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>
/// Endpoints that come and go: pods of a service outside the mesh turn ready and unready, in a file of the controller's folder. A file has to
/// rest for 100 ms before it is read, so one pod a time would never be read at 50 a second: each edit changes several, and edits that are read together change different ones.
/// </summary>
internal sealed class EndpointChurn : IAsyncDisposable
{
    public const int PerSecond = 50, AtOnce = 10;

    private const int Pods = 40;
    private const string File = "churn.yaml", ViewVersion = "ambient_node_view_version";

    private readonly Cli.Lab.Lab _lab;
    private readonly CancellationTokenSource _stop = new();
    private readonly bool[] _ready = new bool[Pods];
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly double _firstVersion;
    private readonly Task _running;
    private long _changes;

    private EndpointChurn(Cli.Lab.Lab lab, double version)
    {
        (_lab, _firstVersion) = (lab, version);
        _running = RunAsync();
    }

    public static async Task<EndpointChurn> StartAsync(Cli.Lab.Lab lab)
    {
        var seen = await VersionAsync(lab);
        lab.Mesh.PutFile(File, Yaml(new bool[Pods]));
        await lab.UntilAsync("the pods that come and go are in the view", TimeSpan.FromSeconds(10), async () => await VersionAsync(lab) > seen ? null : "they are not");
        return new EndpointChurn(lab, await VersionAsync(lab));
    }

    /// <returns>Endpoint changes written, and versions of the view that node 1 put in force, a second since the start.</returns>
    public async Task<(double Changes, double Views)> RatesAsync()
    {
        double seconds = Stopwatch.GetElapsedTime(_began).TotalSeconds;
        return (Interlocked.Read(ref _changes) / seconds, (await VersionAsync(_lab) - _firstVersion) / seconds);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        // What comes next is to be quiet: the removal is a change as well.
        var seen = await VersionAsync(_lab);
        _lab.Mesh.RemoveFile(File);
        await _lab.UntilAsync("the pods that came and went are out of the view", TimeSpan.FromSeconds(10), async () => await VersionAsync(_lab) > seen ? null : "they are not");
    }

    private static async Task<double> VersionAsync(Cli.Lab.Lab lab) => (await lab.Nodes[0].Admin.GetMetricsAsync()).Sum(ViewVersion);

    private async Task RunAsync()
    {
        // A little faster than asked: timers are late, never early.
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(0.95 * AtOnce / PerSecond));
        try
        {
            for (int next = 0; await timer.WaitForNextTickAsync(_stop.Token); next = (next + AtOnce) % Pods)
            {
                for (int i = next; i < next + AtOnce; i++) _ready[i] = !_ready[i];
                _lab.Mesh.PutFile(File, Yaml(_ready));
                Interlocked.Add(ref _changes, AtOnce);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    private static string Yaml(bool[] ready) => """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: churn, namespace: plain}
        spec:
          selector: {app: churn}
          clusterIP: 10.96.9.9
          ports: [{name: tcp, port: 80, targetPort: 8080}]

        """ + string.Concat(ready.Select((isReady, i) => string.Create(CultureInfo.InvariantCulture, $$$"""
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: churn-{{{i}}}, namespace: plain, uid: churn-{{{i}}}, labels: {app: churn}}
        spec: {nodeName: n2, serviceAccountName: churn, containers: []}
        status:
          phase: Running
          podIP: 10.244.90.{{{10 + i}}}
          podIPs: [{ip: 10.244.90.{{{10 + i}}}}]
          conditions: [{type: Ready, status: "{{{isReady}}}"}]

        """)));
}
