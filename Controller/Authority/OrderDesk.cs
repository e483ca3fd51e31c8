using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Controller.Authority;

/// <summary>
/// Signs the capture orders of nodes: anew whenever what they say changes, a node begins a stream (what was sent before may
/// never have arrived), or half of their validity is over. Owned by whoever holds its lock.
/// </summary>
/// <param name="validity">From issue to expiry.</param>
internal sealed class OrderDesk(OrderSigner signer, TimeSpan validity)
{
    /// <summary>How long an order is good for.</summary>
    internal static readonly TimeSpan DefaultValidity = TimeSpan.FromHours(24);

    private readonly Dictionary<string, Issued> _issued = [];

    /// <summary>When the first order has to be signed anew without a change; null if there is none.</summary>
    internal DateTimeOffset? NextRenewal => _issued.Values.Min(i => (DateTimeOffset?)i.Renewal);

    /// <summary>Signs an order if one is due.</summary>
    /// <param name="content">What it is to say, without version and times; kept, so nobody may change it afterwards.</param>
    /// <param name="lastVersion">Of the last order that this node was ever given.</param>
    /// <returns>Null if the one in force says the same and is young enough.</returns>
    internal (SignedOrder Order, ulong Version)? SignIfDue(CaptureOrder content, ulong lastVersion, DateTimeOffset now)
    {
        if (_issued.TryGetValue(content.Node, out var issued) && issued.Content.Equals(content) && now < issued.Renewal)
            return null;

        // Milliseconds, so that versions rise even if the record of the last one was lost.
        var version = Math.Max(lastVersion + 1, (ulong)Math.Max(0, now.ToUnixTimeMilliseconds()));
        _issued[content.Node] = new Issued(content, now + (validity / 2));
        var order = content.Clone();
        order.Version = version;
        order.IssuedUnixSeconds = now.ToUnixTimeSeconds();
        order.ExpiresUnixSeconds = (now + validity).ToUnixTimeSeconds();
        return (signer.Sign(order), version);
    }

    /// <summary>Forgets what a node was given: its next order is signed anew.</summary>
    internal void Forget(string node) => _issued.Remove(node);

    private sealed record Issued(CaptureOrder Content, DateTimeOffset Renewal);
}
