using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Controller.Authority;

/// <summary>
/// Follows an authority that belongs to the user so that nobody's trust ends at once when its owner replaces it: the new root is trusted first
/// and signs a moment later; the old one is trusted until its last certificates have ended. Owned by one caller.
/// <code>
///   old root --another is read--> both trusted, the old one signs --10 s--> both trusted, the new one signs --leaf lifetime--> new root
/// </code>
/// </summary>
/// <param name="leafLifetime">So long the old root has certificates in use.</param>
internal sealed class GivenAuthority(TimeSpan leafLifetime, TimeProvider time)
{
    /// <summary>How long a root is with the nodes before it signs. Streams bring it in milliseconds; this is for those that reconnect.</summary>
    internal static readonly TimeSpan Announcement = TimeSpan.FromSeconds(10);

    private string? _next;
    private DateTimeOffset _switchAt;
    private ImmutableArray<(X509Certificate2 Root, DateTimeOffset Until)> _last = [];

    /// <summary>Changes when time alone has made the authority another one.</summary>
    /// <param name="retiring">As it is kept.</param>
    internal string Stage(RetiringRoots retiring) => $"{_next is not null && time.GetUtcNow() >= _switchAt} {retiring.At(time.GetUtcNow()).Roots.Length}";

    /// <summary>What signs and what is trusted now.</summary>
    /// <param name="read">What the owner has written.</param>
    /// <param name="inForce">Null at a start.</param>
    /// <param name="retiring">As it is kept; replaced by what is to be kept from now on.</param>
    internal AuthorityKeys Take(AuthorityKeys read, AuthorityKeys? inForce, ref RetiringRoots retiring)
    {
        var now = time.GetUtcNow();
        // What has retired to the end is in force until now, and does not begin to retire again; another replica may have noticed first.
        var known = retiring.Roots.Concat(_last.Where(l => now >= l.Until)).Select(r => r.Root).ToList();
        var vanished = (inForce?.Roots ?? []).Where(r => !IsAmong(read.Roots, r) && !IsAmong(known, r));
        retiring = retiring.At(now).Without(read.Roots).With(vanished, now + leafLifetime + RootRotation.Distribution);
        var present = retiring;
        _last = [.. _last.Where(l => !IsAmong(present.Roots.Select(r => r.Root), l.Root)), .. present.Roots];
        var roots = read.Roots.Concat(retiring.Roots.Select(r => r.Root)).DistinctBy(r => r.Thumbprint);

        // Roots that were trusted all along, with another intermediate below one, need no announcement.
        if (inForce is not null && inForce.Issuer.Thumbprint != read.Issuer.Thumbprint && (_next is not null || !read.Roots.All(r => IsAmong(inForce.Roots, r))))
        {
            if (_next != read.Issuer.Thumbprint)
                (_next, _switchAt) = (read.Issuer.Thumbprint, now + Announcement);
            if (now < _switchAt)
                return inForce with { Roots = [.. roots] };
        }
        _next = null;
        // A node that was away knows the old root only, and must still get in.
        var before = inForce is not null && inForce.Issuer.Thumbprint != read.Issuer.Thumbprint ? inForce : inForce?.ForServer;
        return read with { Roots = [.. roots], ForServer = retiring.Roots.IsEmpty ? null : before };
    }

    private static bool IsAmong(IEnumerable<X509Certificate2> roots, X509Certificate2 root) => roots.Any(r => r.Thumbprint == root.Thumbprint);
}
