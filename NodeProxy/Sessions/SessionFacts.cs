using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Sessions;

/// <summary>What is known of a carried connection from its start.</summary>
/// <param name="Edge">Who speaks to whom, how, and how protected.</param>
/// <param name="Client">The app that opened it.</param>
/// <param name="Target">Where its node brought it.</param>
internal sealed record SessionFacts(EdgeKey Edge, IPEndPoint Client, IPEndPoint Target)
{
    /// <summary>What it was let in by, so that it can be judged again; null where policy is another node's matter, or nobody's.</summary>
    public ConnectionFacts? Admitted { get; init; }
}

/// <summary>A carried connection at one moment.</summary>
/// <param name="Facts">From its start.</param>
/// <param name="Age">Since it was joined.</param>
/// <param name="SentBytes">From the side that asked to the side that was opened.</param>
/// <param name="ReceivedBytes">The other way.</param>
internal sealed record SessionStanding(SessionFacts Facts, TimeSpan Age, long SentBytes, long ReceivedBytes);
