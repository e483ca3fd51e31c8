using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;
using BenchmarkDotNet.Attributes;

namespace Ambient.Bench.Micro.Balancing;

/// <summary>A choice among the endpoints of one service, each with a connection open. The budget is zero bytes, and no growth but the caches'.</summary>
[MemoryDiagnoser]
public class EndpointBenchmarks
{
    private readonly Caller _caller = new(IPAddress.Parse("10.255.9.1"), AddressFamily.InterNetwork, "node-1", "z1", 0);
    private readonly EndpointChooser _chooser = new(new EndpointLoads(2), 0, 5);
    private ServiceView _service = null!;
    private ServicePort _port = null!;
    private ReadyEndpoint _chosen = null!;

    [Params(10, 1_000, 100_000)]
    public int Endpoints { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        var service = new Service { Namespace = "shop", Name = "api", Addresses = [IPAddress.Parse("172.16.0.1")], Ports = [new ServicePort("http", 80)] };
        var endpoints = Enumerable.Range(0, Endpoints).Select(i => new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i])).Select(address => new Endpoint
        {
            WireKey = ResourceKeys.Endpoint("shop", "api", address.ToString()), ServiceNamespace = "shop", ServiceName = "api",
            Address = address, Ports = [new EndpointPort("http", 8080)], Ready = true,
        });
        if (!MeshView.Empty.TryApply(new MeshDelta("epoch", 1, true, [service, .. endpoints], []), out MeshView? view, out string? reason)
            || !view.TryFindService("shop", "api", out ServiceView? found))
            throw new InvalidOperationException(reason);
        (_service, _port) = (found, found.Service.Ports[0]);
        ReadyEndpointSet all = _service.ReadyEndpoints(_port, AddressFamily.InterNetwork);
        for (int i = 0; i < all.Count; i++)
            _chooser.Started(all[i]);
        _chosen = all[0];
    }

    [Benchmark]
    public bool Choose() => _chooser.Choose(_service, _port, _caller, [], out _);

    [Benchmark]
    public void StartAndEnd()
    {
        _chooser.Started(_chosen);
        _chooser.Ended(_chosen);
    }
}
