namespace Ambient.Redirector.Rules;

/// <summary>The kernel's settings of a pod's namespace that capture changes; null for one that the kernel does not have, or not yet.</summary>
/// <param name="Loose">
/// net.netfilter.nf_conntrack_tcp_loose. 0 keeps conntrack from adopting connections from before capture, whose entries would then
/// outlive them by days. It comes with the conntrack module. Source: nf_conntrack-sysctl.rst.
/// </param>
/// <param name="MarkAccept">
/// net.ipv4.tcp_fwmark_accept, of both families. 1 gives an accepted socket the mark of its first packet: the app's answers to the proxy
/// keep the mark that sends them to it, even while somebody has flushed the rules; without it they would leave in the clear.
/// Source: ip-sysctl.rst.
/// </param>
/// <param name="MarkReflect">
/// net.ipv4.fwmark_reflect. 1 gives answers that belong to no socket the mark of their packet: the reset of a closed port goes to the
/// proxy that knocked, and not to the client whose address it bears. Source: ip-sysctl.rst.
/// </param>
/// <param name="MarkReflectIpv6">net.ipv6.fwmark_reflect: the same for IPv6.</param>
internal sealed record PodSettings(int? Loose, int? MarkAccept, int? MarkReflect = null, int? MarkReflectIpv6 = null)
{
    /// <summary>As capture wants them.</summary>
    public static PodSettings Captured { get; } = new(0, 1, 1, 1);

    /// <summary>Names of those that are not as wanted, for a person; empty if none.</summary>
    public string DifferenceFrom(PodSettings wanted) => string.Join(", ", new[]
    {
        Loose is null || Loose == wanted.Loose ? "" : "nf_conntrack_tcp_loose",
        MarkAccept is null || MarkAccept == wanted.MarkAccept ? "" : "tcp_fwmark_accept",
        MarkReflect is null || MarkReflect == wanted.MarkReflect ? "" : "fwmark_reflect",
        MarkReflectIpv6 is null || MarkReflectIpv6 == wanted.MarkReflectIpv6 ? "" : "IPv6 fwmark_reflect",
    }.Where(name => name.Length > 0));
}
