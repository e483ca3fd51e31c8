namespace Ambient.Cli.Edges;

/// <summary>Who speaks to whom, how, and how much of it there was since the nodes' processes started.</summary>
/// <param name="Way"><c>tunnel</c>, <c>direct</c>, <c>plain</c>, <c>passthrough</c>.</param>
/// <param name="Protection"><c>mutual_tls</c>, <c>in_memory</c>, <c>plaintext</c>.</param>
/// <param name="CountedBy">The side whose figures these are: <c>source</c>, or <c>destination</c> where no asked node is the source's.</param>
internal sealed record EdgeRow(string SourceWorkload, string SourceNamespace, string SourceIdentity, string DestinationWorkload, string DestinationNamespace,
    string DestinationIdentity, string Service, string Way, string Protection, string CountedBy, double Opened, double Open, double SentBytes, double ReceivedBytes);

/// <summary>What passed beside TCP, untouched.</summary>
internal sealed record NonTcpRow(string SourceWorkload, string SourceNamespace, string DestinationWorkload, string DestinationNamespace, string Protocol,
    string CountedBy, double Packets, double Bytes);

/// <summary>Connections that a node refused or cut.</summary>
/// <param name="Side"><c>source</c>: of an app on this node; <c>destination</c>: for a pod of this node.</param>
internal sealed record RefusalRow(string Node, string Side, string Reason, double Count);

/// <summary>A node that could not be asked.</summary>
internal sealed record SilentNode(string Socket, string Reason);
