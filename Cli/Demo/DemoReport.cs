using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Ambient.Cli.Demo;

/// <summary>The demo's result for machines.</summary>
/// <param name="Ok">Every connection of an enrolled pair was carried, and every one between nodes under mutual TLS.</param>
/// <param name="Problems">What was not so.</param>
/// <param name="Seconds">How long the mesh carried traffic.</param>
/// <param name="ReadySeconds">From the start of the first process to traffic in the mesh.</param>
internal sealed record DemoReport(
    bool Ok, ImmutableArray<string> Problems, double Seconds, double ReadySeconds, int Nodes, int Pods, bool Ipv6,
    ImmutableArray<FlowReport> Flows, ImmutableArray<string> Incidents);

/// <param name="Enrolled">Both ends are in the mesh.</param>
/// <param name="CrossNode">All connections go to another node.</param>
/// <param name="Ways">As the proxies have counted.</param>
/// <param name="Connections">Opened, answered and verified to the last byte, as the client has counted; the next five did not go so.</param>
/// <param name="P50Ms">Connect, request and answer together.</param>
/// <param name="DirectP50Ms">The same client over the pods' own addresses before they joined.</param>
internal sealed record FlowReport(
    string From, string To, string Family, bool Enrolled, bool CrossNode, ImmutableArray<WayUsed> Ways,
    long Connections, long Refused, long Reset, long TimedOut, long Corrupt, long Other, double ConnectionsPerSecond, double BytesPerSecond,
    double P50Ms, double P99Ms, double DirectP50Ms, double DirectP99Ms);

/// <summary>The JSON form of the report, generated at build.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(DemoReport))]
internal sealed partial class DemoJson : JsonSerializerContext;
