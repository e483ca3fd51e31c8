using System.Net;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>A node with a bridge (the test's own namespace) and pods behind it, each in a namespace of its own below /run/netns.</summary>
internal sealed class PodNet : IDisposable
{
    private static int _nets;

    private readonly int _number = Interlocked.Increment(ref _nets);
    private readonly List<string> _pods = [];

    public PodNet()
    {
        Bridge = $"br{_number}";
        Command.Run("ip", "link", "set", "lo", "up");
        Command.Run("ip", "link", "add", Bridge, "type", "bridge");
        Command.Run("ip", "addr", "add", $"10.99.{_number}.1/24", "dev", Bridge);
        Command.Run("ip", "addr", "add", $"fd99:{_number}::1/64", "dev", Bridge, "nodad");
        Command.Run("ip", "link", "set", Bridge, "up");
    }

    public string Bridge { get; }

    public Pod Add(bool withIpv6 = true)
    {
        int host = 10 + _pods.Count;
        var pod = new Pod($"p{_number}x{host}", IPAddress.Parse($"10.99.{_number}.{host}"), IPAddress.Parse($"fd99:{_number}::{host}"));
        _pods.Add(pod.Name);
        Put(pod, withIpv6);
        return pod;
    }

    /// <summary>Another pod with the addresses of one that is gone.</summary>
    public Pod AddInPlaceOf(Pod before)
    {
        var pod = before with { Name = $"p{_number}x{10 + _pods.Count}" };
        _pods.Add(pod.Name);
        Put(pod);
        return pod;
    }

    /// <summary>Makes the pod's namespace, also again after its end.</summary>
    public void Put(Pod pod, bool withIpv6 = true)
    {
        string name = pod.Name;
        // The kernel takes a dead namespace apart later than `ip netns del` returns; its wire may still be there.
        Command.TryRun("ip", "link", "del", $"v{name}");
        Command.Run("ip", "netns", "add", name);
        Command.Run("ip", "link", "add", $"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name);
        Command.Run("ip", "link", "set", $"v{name}", "master", Bridge, "up");
        Command.Run("ip", "-n", name, "link", "set", "lo", "up");
        if (withIpv6)
            Command.Run("ip", "-n", name, "addr", "add", $"{pod.AddressV6}/64", "dev", "eth0", "nodad");
        else
            Command.Run("ip", "netns", "exec", name, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
        Command.Run("ip", "-n", name, "addr", "add", $"{pod.Address}/24", "dev", "eth0");
        Command.Run("ip", "-n", name, "link", "set", "eth0", "up");
        Command.Run("ip", "-n", name, "route", "add", "default", "via", $"10.99.{_number}.1");
    }

    public void Dispose()
    {
        foreach (string pod in _pods)
            Command.TryRun("ip", "netns", "del", pod);
        Command.TryRun("ip", "link", "del", Bridge);
    }
}
