using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Ambient.Controller.Authority;

namespace Ambient.Bench.Controller;

/// <summary>All simulated nodes: each a connection of its own, from as many loopback addresses as the controller's share of one address asks for.</summary>
internal sealed class NodeFleet : IAsyncDisposable
{
    private const int NodesPerAddress = 200;      // the controller lets one address have 256 connections
    private const int HandshakesAtOnce = 32;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly List<SimulatedNode> _nodes = [];

    internal NodeCounts Counts { get; } = new();

    internal int Size => _nodes.Count;

    /// <summary>The first fault of a node; null if there is none.</summary>
    internal string? Fault { get; private set; }

    internal async Task ConnectAsync(int nodes, int port, JoinTokens tokens, string bundle)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(bundle);
        var tls = new SslClientAuthenticationOptions
        {
            TargetHost = "ambient-controller",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { roots[0] } },
        };
        using var room = new SemaphoreSlim(HandshakesAtOnce);
        var expiry = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1);
        var connecting = Enumerable.Range(0, nodes).Select(async i =>
        {
            var name = GeneratedCluster.NodeName(i);
            var node = new SimulatedNode(name, tokens.Create(name, expiry), Counts);
            lock (_nodes)
                _nodes.Add(node);
            await room.WaitAsync(_stop.Token);
            try
            {
                var from = new IPAddress([127, 1, (byte)(i / NodesPerAddress), 1]);
                await node.ConnectAsync(new IPEndPoint(from, port), from, tls, _stop.Token);
            }
            finally
            {
                room.Release();
            }
            lock (_running)
                _running.Add(RunAsync(node));
        }).ToList();
        await Task.WhenAll(connecting);
    }

    /// <summary>Waits until something holds, and fails with a reason if it does not in time.</summary>
    internal async Task UntilAsync(Func<bool> holds, TimeSpan patience, string what)
    {
        var began = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Fault is not null)
                throw new BenchException($"{what}: {Fault}");
            if (Stopwatch.GetElapsedTime(began) > patience)
                throw new BenchException($"{what}: not within {patience.TotalSeconds} s ({Counts.FullAcks} full views and {Counts.Acks} deltas acked by {Size} nodes)");
            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _nodes.ForEach(node => node.Dispose());
        _stop.Dispose();
    }

    private async Task RunAsync(SimulatedNode node)
    {
        try
        {
            await node.RunAsync(_stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            if (!_stop.IsCancellationRequested)
                Fault ??= e.Message;
        }
    }
}
