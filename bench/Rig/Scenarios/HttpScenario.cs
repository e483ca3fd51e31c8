using System.Diagnostics;
using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>What scenarios over the 1 KB HTTP server share.</summary>
internal abstract class HttpScenario : IScenario
{
    // An estimate: 256 handshakes at the 1.6 ms that connects shows for HAProxy are 0.4 s of CPU.
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(0.7), After = TimeSpan.FromSeconds(0.3);

    public abstract string Name { get; }

    public abstract string What { get; }

    public abstract IReadOnlyList<Figure> Figures { get; }

    public virtual bool WarmsUp => true;

    public virtual IReadOnlyList<string> Programs => ["nginx", "wrk"];

    public bool Fits(string peer) => true;

    public virtual IReadOnlyList<IPeer> PeersFrom(IReadOnlyList<IPeer> ofStage) => ofStage;

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) => [await HttpServer.StartAsync(ground, peer.ServerNetwork)];

    public abstract Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time);

    public virtual Task<string?> CheckLoadAsync(Ground ground, IReadOnlyList<IPeer> peers, RigOptions options) => Task.FromResult<string?>(null);

    /// <summary>
    /// A closed loop of wrk over keep-alive connections. CPU and rate are read over a window inside of it, with the requests that the server
    /// has counted meanwhile: opening the connections, which is <c>connects</c>' matter, stays out.
    /// </summary>
    /// <exception cref="LabException">A request failed: a figure of failures is none. Or wrk and the server have counted differently.</exception>
    public static async Task<KeepAliveFigures> KeepAliveAsync(IPeer peer, int connections, TimeSpan time)
    {
        long first = await HttpServer.CountAsync(peer.ServerNetwork);
        var load = WrkLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(HttpServer.Port), connections, Before + time + After);
        await Task.Delay(Before);
        var (countBefore, cpuBefore, allBefore, began) = (await HttpServer.CountAsync(peer.ServerNetwork), ProcessCpu.Seconds(peer.CpuProcesses), MachineCpu.Seconds(), Stopwatch.GetTimestamp());
        await Task.Delay(time);
        var (count, cpu, all, seconds) = (await HttpServer.CountAsync(peer.ServerNetwork), ProcessCpu.Seconds(peer.CpuProcesses), MachineCpu.Seconds(), Stopwatch.GetElapsedTime(began).TotalSeconds);
        var result = await load;
        if (result.Errors > 0) throw new LabException($"{peer.Name}: {result.Errors} requests of {result.Requests} failed");
        long served = await HttpServer.CountAsync(peer.ServerNetwork) - first;
        if (Math.Abs(served - result.Requests) > connections + (0.02 * served)) throw new LabException($"{peer.Name}: wrk counted {result.Requests} requests, the server {served}");
        long requests = count - countBefore;
        return new KeepAliveFigures(peer.Processes.Count == 0 ? double.NaN : 1e6 * (cpu - cpuBefore) / requests, 1e6 * (all - allBefore) / requests, requests / seconds);
    }
}

/// <summary>What a closed loop over keep-alive connections shows.</summary>
/// <param name="CpuMicroseconds">Of the proxies, a request; not a number where there is no proxy.</param>
/// <param name="AllCpuMicroseconds">Of the whole machine, a request: tools, server and whatever else ran included.</param>
/// <param name="Rate">Requests a second.</param>
internal sealed record KeepAliveFigures(double CpuMicroseconds, double AllCpuMicroseconds, double Rate);
