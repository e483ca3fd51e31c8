using System.Collections.Immutable;
using System.Net;

namespace Ambient.Controller.Sources;

/// <summary>A machine that pods run on.</summary>
/// <param name="Addresses">Its own, internal and external.</param>
/// <param name="Zone">The zone it stands in; empty if unknown.</param>
internal sealed record NodeObject(string Name, ImmutableArray<IPAddress> Addresses, string Zone, SourcePlace Place)
    : SourceObject("Node", "", Name, Place)
{
    /// <summary>What stands among its addresses and is none that a packet could come from.</summary>
    internal ImmutableArray<string> NotAddresses { get; init; } = [];
}
