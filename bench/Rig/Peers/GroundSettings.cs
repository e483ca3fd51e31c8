using System.Globalization;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Native.Namespaces;

namespace Ambient.Bench.Rig.Peers;

/// <summary>What the ground's namespaces are told before anybody is measured, alike for all.</summary>
internal static class GroundSettings
{
    private const string CongestionFile = "/proc/sys/net/ipv4/tcp_congestion_control";

    // Each is a process for a few milliseconds.
    private const int AtOnce = 16;

    /// <summary>
    /// Sets the congestion control of connections that are opened from now on: a host's own choice may pace packets by timers (BBR does), and
    /// NodeProxy takes none of that for what stays inside a pod, which its peers would pay for. tcp(7), tcp_congestion_control, which is each namespace's own.
    /// </summary>
    /// <returns>The name: cubic, or reno where the kernel has no cubic or does not let everybody choose it.</returns>
    public static Task<string> SetCongestionControlAsync(IEnumerable<string> networks) => Task.Factory.StartNew(() =>
    {
        var names = File.ReadAllText("/proc/sys/net/ipv4/tcp_available_congestion_control").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        string name = names.Contains("cubic") && TrySet(networks, "cubic") ? "cubic" : "reno";
        if (name == "reno" && !TrySet(networks, name)) throw new LabException($"the congestion control cannot be set to {name}, which every kernel lets everybody choose");
        return name;
    }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>
    /// Tells pods and nodes each other's hardware addresses for good. The kernel keeps those that it has found out in one table for the whole machine
    /// (arp(7), gc_thresh3, 1,024 unless told otherwise): 400 pairs of pods alone have 1,600, and from then on nobody answers for a new one, so that connecting ends with
    /// "no route to host". Entries that are told for good do not count.
    /// </summary>
    public static async Task IntroduceAsync(LabPlan plan)
    {
        await Parallel.ForEachAsync(plan.Pods, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (pod, _) =>
            await BatchAsync(pod.Network, $"link set eth0 address {AddressOf(pod)}\nneigh replace {pod.Block}.1 lladdr {AddressOf(pod.Node)} dev eth0 nud permanent\n"));
        foreach (var pods in plan.Pods.GroupBy(pod => pod.Node))
        {
            var lines = new StringBuilder($"link set br0 address {AddressOf(pods.Key)}\n");
            foreach (var pod in pods) lines.Append(CultureInfo.InvariantCulture, $"neigh replace {pod.V4} lladdr {AddressOf(pod)} dev br0 nud permanent\n");
            await BatchAsync(Topology.NodeNetwork(pods.Key), lines.ToString());
        }
    }

    private static bool TrySet(IEnumerable<string> networks, string name)
    {
        using var entry = new NamespaceEntry();
        foreach (var network in networks)
        {
            if (!NetworkNamespace.TryOpen(Topology.PathOf(network), out var inside, out var reason)) throw new LabException(reason);
            using (inside)
            {
                if (!entry.Run(inside!, () => TrySetHere(name))) return false;
            }
        }
        return true;
    }

    // Below /proc/sys/net every thread sees its own namespace's settings.
    private static bool TrySetHere(string name)
    {
        try
        {
            File.WriteAllText(CongestionFile, name);
            return true;
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Locally administered (IEEE 802, the second bit of the first byte); a pod's is its IPv4 address.
    private static string AddressOf(PodPlan pod) => string.Join(':', (string[])["02", "01", .. pod.V4.GetAddressBytes().Select(part => part.ToString("x2", CultureInfo.InvariantCulture))]);

    private static string AddressOf(int node) => string.Create(CultureInfo.InvariantCulture, $"02:02:00:00:00:{node:x2}");

    private static Task BatchAsync(string network, string lines) => Tool.MustAsync(Command.Of("ip", "-n", network, "-batch", "-"), lines);
}
