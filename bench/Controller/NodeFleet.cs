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

    private readonly List<Task> _running = [];
    private readonly Dictionary<string, HeldView?> _held = [];
    private CancellationTokenSource _stop = new();
    private List<SimulatedNode> _nodes = [];

    internal NodeCounts Counts { get; } = new();

    internal int Size => _nodes.Count;

    /// <summary>The first fault of a node; null if there is none.</summary>
    internal string? Fault { get; private set; }

    /// <summary>Connects as many nodes, which say what they hold.</summary>
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
            var node = new SimulatedNode(name, tokens.Create(name, expiry), Counts, _held.GetValueOrDefault(name));
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

    /// <summary>All nodes leave their controller, and remember what they hold.</summary>
    internal async Task LeaveAsync()
    {
        await EndAsync();
        foreach (var node in _nodes)
            _held[node.Name] = node.Held;
        (_nodes, _stop) = ([], new CancellationTokenSource());
        _running.Clear();
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    private async Task EndAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _nodes.ForEach(node => node.Dispose());
        _stop.Dispose();
    }

    private async Task RunAsync(SimulatedNode node)
    {
        var stop = _stop.Token;
        try
        {
            await node.RunAsync(stop);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            if (!stop.IsCancellationRequested)
                Fault ??= e.Message;
        }
    }
}
