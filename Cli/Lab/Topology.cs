using System.Globalization;
using System.Text;

namespace Ambient.Cli.Lab;

/// <summary>
/// The lab's network as text for <c>ip -batch</c> (ip(8)). Pure.
/// <code>
///  here --- ctl 10.200.0.1 --- ctl0 of every node                    (controller; nothing of the pods)
///  n1: br0 10.244.1.1 -- pods p11, p12...      n2: br0 10.244.2.1 -- pods p21...
///  n1 to-n2 ------------ 172.31.12.0/24 ------------ n2 to-n1         (the pods' network between nodes)
/// </code>
/// IPv6 is the same beside it, where the kernel has it. Every IPv6 address is `nodad`: a tentative one cannot be bound to.
/// </summary>
internal sealed class Topology(LabPlan plan, bool hasIpv6)
{
    /// <summary>Name of the network namespace outside the mesh.</summary>
    public const string Outside = "outside";

    /// <summary>Where the controller is, as the nodes see it.</summary>
    public const string ControllerAddress = "10.200.0.1";

    /// <summary>Pods in a block of addresses, 10.244.x.10 and up.</summary>
    public const int BlockSize = 240;

    /// <summary>The first three parts of the addresses of a node's block. The first block of node 1 is 10.244.1, its second 10.244.11.</summary>
    public static string BlockOf(int node, int block) => Text($"10.244.{node + (10 * block)}");

    /// <summary>Whether the kernel has IPv6.</summary>
    public static bool KernelHasIpv6 => Directory.Exists("/proc/sys/net/ipv6");

    /// <summary>All network namespaces that it makes.</summary>
    public IEnumerable<string> Networks =>
        [.. Numbers.Select(NodeNetwork), .. plan.Pods.Select(pod => pod.Network), .. plan.HasOutside ? [Outside] : Array.Empty<string>()];

    private IEnumerable<int> Numbers => Enumerable.Range(1, plan.Nodes);

    /// <summary>Where a network namespace is found.</summary>
    public static string PathOf(string network) => $"/run/netns/{network}";

    /// <summary>Name of a node, which is also that of its network namespace.</summary>
    public static string NodeNetwork(int node) => Text($"n{node}");

    /// <summary>A node's address on the control network.</summary>
    public static string NodeAddress(int node) => Text($"10.200.0.{10 + node}");

    /// <summary>The interface of one node that leads to another.</summary>
    public static string WireTo(int node) => Text($"to-n{node}");

    /// <summary>Lines that make the namespaces and the wires; for the namespace that this process is in.</summary>
    public string Outline()
    {
        var lines = new Lines();
        foreach (var network in Networks) lines.Add($"netns add {network}");
        lines.Add($"link add ctl type bridge");
        lines.Add($"addr add {ControllerAddress}/24 dev ctl");
        lines.Add($"link set ctl up");
        foreach (var n in Numbers)
        {
            lines.Add($"link add ctl-n{n} type veth peer name ctl0 netns n{n}");
            lines.Add($"link set ctl-n{n} master ctl up");
            foreach (var m in Numbers.Where(m => m > n))
                lines.Add($"link add {WireTo(m)} netns n{n} type veth peer name {WireTo(n)} netns n{m}");
        }
        foreach (var pod in plan.Pods) lines.Add(Wire(pod));
        if (plan.HasOutside) lines.Add($"link add out0 netns n1 type veth peer name eth0 netns {Outside}");
        return lines.ToString();
    }

    /// <summary>Lines that remove what <see cref="Outline"/> made.</summary>
    /// <param name="isThere">Whether a namespace was not removed before.</param>
    public string Undoing(Func<string, bool> isThere)
    {
        var lines = new Lines();
        foreach (var n in Numbers) lines.Add($"link del ctl-n{n}");
        foreach (var network in Networks.Where(isThere)) lines.Add($"netns del {network}");
        lines.Add($"link del ctl");
        return lines.ToString();
    }

    /// <summary>The line that joins a pod's namespace to its node.</summary>
    public static string Wire(PodPlan pod) => $"link add {pod.Network} netns {NodeNetwork(pod.Node)} type veth peer name eth0 netns {pod.Network}";

    /// <summary>Lines for a pod's node, which forget whose hardware addresses the pod's addresses belonged to.</summary>
    public string Forgetting(PodPlan pod)
    {
        var lines = new Lines();
        lines.Add($"neigh flush to {pod.V4} dev br0");
        if (hasIpv6) lines.Add($"neigh flush to {pod.V6} dev br0");
        return lines.ToString();
    }

    /// <summary>Lines for a node's namespace.</summary>
    public string Node(int n)
    {
        var lines = new Lines();
        lines.Add($"link set lo up");
        lines.Add($"addr add {NodeAddress(n)}/24 dev ctl0");
        lines.Add($"link set ctl0 up");
        lines.Add($"link add br0 type bridge");
        foreach (var block in BlocksOf(n)) lines.Add($"addr add {block}.1/24 dev br0");
        if (hasIpv6) lines.Add($"addr add fd00:244:{n}::1/64 dev br0 nodad");
        lines.Add($"link set br0 up");
        foreach (var pod in plan.Pods.Where(pod => pod.Node == n)) lines.Add($"link set {pod.Network} master br0 up");
        foreach (var m in Numbers.Where(m => m != n))
        {
            var wire = Text($"{Math.Min(n, m)}{Math.Max(n, m)}");
            lines.Add($"addr add 172.31.{wire}.{n}/24 dev {WireTo(m)}");
            if (hasIpv6) lines.Add($"addr add fd00:31:{wire}::{n}/64 dev {WireTo(m)} nodad");
            lines.Add($"link set {WireTo(m)} up");
            foreach (var block in BlocksOf(m)) lines.Add($"route add {block}.0/24 via 172.31.{wire}.{m}");
            if (hasIpv6) lines.Add($"route add fd00:244:{m}::/64 via fd00:31:{wire}::{m}");
            if (plan.HasOutside && m == 1)
            {
                lines.Add($"route add 192.0.2.0/24 via 172.31.{wire}.1");
                if (hasIpv6) lines.Add($"route add fd00:99::/64 via fd00:31:{wire}::1");
            }
        }
        if (plan.HasOutside && n == 1) AddHost(lines, "out0", "192.0.2.1/24", "fd00:99::1/64");
        return lines.ToString();
    }

    /// <summary>Lines for a pod's namespace.</summary>
    public string Pod(PodPlan pod)
    {
        var lines = new Lines();
        lines.Add($"link set lo up");
        if (pod.HasV4) lines.Add($"addr add {pod.V4}/24 dev eth0");
        if (hasIpv6 && pod.HasV6) lines.Add($"addr add {pod.V6}/64 dev eth0 nodad");
        lines.Add($"link set eth0 up");
        if (pod.HasV4) lines.Add($"route add default via {pod.Block}.1");
        if (hasIpv6 && pod.HasV6) lines.Add($"route add default via fd00:244:{pod.Node}::1");
        return lines.ToString();
    }

    /// <summary>Lines for the namespace outside the mesh.</summary>
    public string OutsideHost()
    {
        var lines = new Lines();
        lines.Add($"link set lo up");
        AddHost(lines, "eth0", "192.0.2.9/24", "fd00:99::9/64");
        lines.Add($"route add default via 192.0.2.1");
        if (hasIpv6) lines.Add($"route add default via fd00:99::1");
        return lines.ToString();
    }

    private IEnumerable<string> BlocksOf(int node) => plan.Pods.Where(pod => pod.Node == node).Select(pod => pod.Block).Append(BlockOf(node, 0)).Distinct();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private void AddHost(Lines lines, string link, string v4, string v6)
    {
        lines.Add($"addr add {v4} dev {link}");
        if (hasIpv6) lines.Add($"addr add {v6} dev {link} nodad");
        lines.Add($"link set {link} up");
    }

    private sealed class Lines
    {
        private readonly StringBuilder _text = new();

        public void Add(FormattableString line) => _text.Append(Text(line)).Append('\n');

        public void Add(string line) => _text.Append(line).Append('\n');

        public override string ToString() => _text.ToString();
    }
}
