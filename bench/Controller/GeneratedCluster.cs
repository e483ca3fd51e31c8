using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Model;
using Ambient.Controller.Sources;

namespace Ambient.Bench.Controller;

/// <summary>
/// The objects of a cluster as a source makes them: the same for the same size. Names are as long as Kubernetes makes them, and what a
/// decoder would share (names of nodes, zones, label values of a deployment) is shared.
/// </summary>
internal sealed class GeneratedCluster
{
    private const int ServicesPerPod = 10;
    private static readonly string[] Zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
    private static readonly SourcePlace Place = new("generated", 0);
    private static readonly FrozenDictionary<string, string> None = FrozenDictionary<string, string>.Empty;
    private static readonly ImmutableArray<SlicePort> Ports = [new("http", 8080)];

    private readonly ClusterSize _size;
    private readonly string[] _nodes;
    private readonly string[] _podNames;
    private readonly EndpointSliceObject[] _slices;
    private readonly Random _random = new(6);

    internal GeneratedCluster(ClusterSize size)
    {
        _size = size;
        _nodes = [.. Enumerable.Range(0, size.Nodes).Select(i => NodeName(i))];
        _podNames = [.. Enumerable.Range(0, size.Pods).Select(i => $"app-{i / ServicesPerPod % 100}-{Hash(i / ServicesPerPod):x8}-{Hash(i) % 60466176:x5}")];
        _slices = [.. Enumerable.Range(0, size.Slices).Select(Slice)];
    }

    internal static string NodeName(int i) => $"ip-10-{128 + (i >> 8)}-{i & 255}-7.eu-central-1.compute.internal";

    internal ImmutableArray<SourceObject> Objects()
    {
        var objects = ImmutableArray.CreateBuilder<SourceObject>();
        objects.Add(new MeshConfigObject("default", null, [IPNetwork.Parse("10.0.0.0/9")], [IPNetwork.Parse("172.16.0.0/12")], null, null, null, Place));
        for (var i = 0; i < _size.Nodes; i++)
            objects.Add(new NodeObject(_nodes[i], [new IPAddress([10, (byte)(128 + (i >> 8)), (byte)i, 7])], ZoneOf(i), Place));
        var enrolled = new Dictionary<string, string> { [ModelBuilder.EnrolLabel] = "true" }.ToFrozenDictionary();
        for (var i = 0; i < _size.Namespaces; i++)
            objects.Add(new NamespaceObject(NamespaceName(i), enrolled, None, Place));
        FrozenDictionary<string, string>? labels = null;
        for (var i = 0; i < _size.Pods; i++)
        {
            // Pods of a deployment have the labels of its template.
            if (i % ServicesPerPod == 0)
                labels = new Dictionary<string, string> { ["app"] = $"app-{i / ServicesPerPod % 100}", ["version"] = "v1", ["pod-template-hash"] = $"{Hash(i / ServicesPerPod):x8}" }.ToFrozenDictionary();
            objects.Add(new PodObject(NamespaceName(i / ClusterSize.PodsPerNamespace), _podNames[i], new Guid((int)Hash(i), (short)i, 0x4a1b, 0x81, 1, 2, 3, (byte)(i >> 16), (byte)(i >> 8), (byte)i, 9).ToString(),
                labels!, None, _nodes[i % _size.Nodes], $"app-{i / ServicesPerPod % 100}", false, [PodAddress(i)], false, true, $"app-{i / ServicesPerPod % 100}", FrozenDictionary<string, int>.Empty, Place));
        }
        for (var i = 0; i < _size.Slices; i++)
        {
            objects.Add(new ServiceObject(SliceNamespace(i), ServiceName(i), [new IPAddress([172, (byte)(16 + (i >> 16)), (byte)(i >> 8), (byte)i])], false,
                [new ServicePortObject("http", 80, 8080, "", "TCP", "http")], None, Place));
        }
        objects.AddRange(_slices);
        return objects.DrainToImmutable();
    }

    /// <summary>Changes one endpoint that every node is told of.</summary>
    /// <param name="mark">Stands where its zone did.</param>
    /// <returns>The slice as it was, and as it is.</returns>
    internal (SourceObject Was, SourceObject Is) ChangeOne(string mark)
    {
        var at = _random.Next(_slices.Length);
        var (was, endpoint) = (_slices[at], _random.Next(ClusterSize.AddressesPerSlice));
        var now = was with { Endpoints = was.Endpoints.SetItem(endpoint, was.Endpoints[endpoint] with { Zone = mark }) };
        _slices[at] = now;
        return (was, now);
    }

    private EndpointSliceObject Slice(int i)
    {
        var (first, pods) = (i * ServicesPerPod % _size.Pods, Math.Min(ClusterSize.PodsPerNamespace, _size.Pods));
        var ns = first / ClusterSize.PodsPerNamespace;
        return new EndpointSliceObject(NamespaceName(ns), $"{ServiceName(i)}-{Hash(i) % 60466176:x5}", ServiceName(i), [.. Enumerable.Range(0, ClusterSize.AddressesPerSlice).Select(k =>
        {
            var pod = (ns * ClusterSize.PodsPerNamespace) + ((first + k) % pods);
            return new SliceEndpoint([PodAddress(pod)], true, _podNames[pod], ZoneOf(pod % _size.Nodes)) { IsServing = true, Node = _nodes[pod % _size.Nodes] };
        })], Ports, Place);
    }

    private string SliceNamespace(int i) => NamespaceName(i * ServicesPerPod % _size.Pods / ClusterSize.PodsPerNamespace);

    private static string NamespaceName(int i) => $"team-{i:000}";

    private static string ServiceName(int i) => $"service-{i:00000}";

    private static string ZoneOf(int node) => Zones[node % Zones.Length];

    private static IPAddress PodAddress(int i) => new([10, (byte)(1 + (i >> 16)), (byte)(i >> 8), (byte)i]);

    private static uint Hash(int i) => unchecked(((uint)i * 2_654_435_761) ^ 0x5bd1e995);
}
