using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>A ruleset that was loaded and proved.</summary>
/// <param name="Ruleset">Which one.</param>
/// <param name="Generation">The commit up to which it is proved.</param>
/// <param name="ConnectionsFromBefore">Established when it was loaded.</param>
/// <param name="HasSetting">nf_conntrack_tcp_loose exists in this kernel.</param>
internal sealed record RulesInForce(Ruleset Ruleset, uint Generation, int ConnectionsFromBefore, bool HasSetting)
{
    /// <summary>Connections that were there then, or were found right since.</summary>
    public KnownConnections Known { get; init; } = KnownConnections.Unknown;

    /// <summary>What was cleaned up when they came into force, or came back; null for no look.</summary>
    public GapFindings? Gap { get; init; }
}
