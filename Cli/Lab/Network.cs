namespace Ambient.Cli.Lab;

/// <summary>Makes the lab's network and changes it. It goes with the namespaces that the whole lab runs in, or with <see cref="RemoveAsync"/>.</summary>
internal sealed class Network
{
    private readonly LabPlan _plan;
    private readonly bool _hasIpv6 = Topology.KernelHasIpv6;
    private readonly Topology _topology;

    private Network(LabPlan plan)
    {
        _plan = plan;
        _topology = new Topology(plan, _hasIpv6);
    }

    /// <summary>Whether the lab has IPv6 as well.</summary>
    public bool HasIpv6 => _hasIpv6;

    // Each is a process for a few milliseconds; hundreds at once would only wait for each other.
    private const int AtOnce = 16;

    /// <summary>Makes all of it, in about 0.2 s, and as much more for every 20 pods.</summary>
    /// <exception cref="LabException">A part could not be made; what was made before stays.</exception>
    public static async Task<Network> MakeAsync(LabPlan plan)
    {
        var network = new Network(plan);
        await BatchAsync(null, network._topology.Outline());
        await Task.WhenAll(
        [
            .. Enumerable.Range(1, plan.Nodes).Select(network.MakeNodeAsync),
            Parallel.ForEachAsync(plan.Pods, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (pod, _) => await network.FurnishPodAsync(pod)),
            plan.HasOutside ? BatchAsync(Topology.Outside, network._topology.OutsideHost()) : Task.CompletedTask,
        ]);
        return network;
    }

    /// <summary>Makes a namespace for a pod that was not in the plan, or whose namespace was removed.</summary>
    public async Task AddPodAsync(PodPlan pod)
    {
        await BatchAsync(null, $"netns add {pod.Network}\n{Topology.Wire(pod)}\n");
        await BatchAsync(Topology.NodeNetwork(pod.Node), $"link set {pod.Network} master br0 up\n");
        await FurnishPodAsync(pod);
        // Behind a bridge the node goes on sending to the last owner's hardware address for up to 45 s (arp(7), base_reachable_time).
        // A CNI plugin announces a new pod for that; here the node just forgets.
        await BatchAsync(Topology.NodeNetwork(pod.Node), _topology.Forgetting(pod));
    }

    /// <summary>Removes a pod's namespace's name, as a container runtime does at the pod's end. Who still holds the namespace keeps it alive.</summary>
    public static Task RemovePodAsync(PodPlan pod) => BatchAsync(null, $"netns del {pod.Network}\n");

    /// <summary>Removes all of it. The wires go first: a namespace lives on while a process or a socket is still in it.</summary>
    public Task RemoveAsync() => BatchAsync(null, _topology.Undoing(name => File.Exists(Topology.PathOf(name))));

    private static Task BatchAsync(string? network, string lines) =>
        Tool.MustAsync(network is null ? Command.Of("ip", "-batch", "-") : Command.Of("ip", "-n", network, "-batch", "-"), lines);

    private async Task MakeNodeAsync(int node)
    {
        var network = Topology.NodeNetwork(node);
        await BatchAsync(network, _topology.Node(node));
        await SetAsync(network, "net/ipv4/ip_forward", "1");
        if (_hasIpv6) await SetAsync(network, "net/ipv6/conf/all/forwarding", "1");
    }

    private Task FurnishPodAsync(PodPlan pod) => BatchAsync(pod.Network, _topology.Pod(pod));

    // Below /proc/sys/net every process sees its own namespace's settings.
    private static Task SetAsync(string network, string setting, string value) =>
        Tool.MustAsync(Command.Of("tee", $"/proc/sys/{setting}").Inside(network), value);
}
