using Ambient.Native.Unix;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.NodeProxy.Capture;

/// <summary>What capture is told by the composition root.</summary>
internal sealed record CaptureSettings
{
    /// <summary>The loop for everything that is not data.</summary>
    public required EventLoop Control { get; init; }

    /// <summary>Opens the socket to Redirector; null while it is away.</summary>
    public required Func<SeqPacketSocket?> Connect { get; init; }

    /// <summary>What a pod (by UID) still lacks before its traffic may be taken, for a person; null when nothing.</summary>
    public required Func<string, string?> MissingFor { get; init; }

    /// <summary>How long a withdrawn pod's connections may go on.</summary>
    public required Func<TimeSpan> Drain { get; init; }

    /// <summary>What connections may take of this process.</summary>
    public required NodeCapacity Capacity { get; init; }

    /// <summary>Takes reports for the controller.</summary>
    public required ReportOutbox Reports { get; init; }

    /// <summary>Takes Redirector's counters.</summary>
    public required Action<IReadOnlyDictionary<string, double>> Counters { get; init; }

    /// <summary>Takes the addresses of the machine.</summary>
    public required Action<MachineAddresses> Machine { get; init; }

    /// <summary>Takes what passed pods beside TCP.</summary>
    public required Action<NonTcpTraffic> NonTcp { get; init; }

    /// <summary>Takes what a predecessor left; called at most once, before any pod is ready.</summary>
    public required Action<byte[]> Restore { get; init; }
}
