using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Native.Namespaces;

namespace Ambient.Bench.Rig.Loads;

/// <summary>Where connections go, and from which pod.</summary>
/// <param name="Network">The pod's network namespace.</param>
/// <param name="To">The address to connect to there.</param>
internal sealed record LoadTarget(string Network, IPEndPoint To)
{
    /// <summary>As it stands on a command line.</summary>
    public override string ToString() => $"{Network}={To}";

    /// <summary>The same back.</summary>
    public static LoadTarget Parse(string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        return new LoadTarget(text[..at], IPEndPoint.Parse(text[(at + 1)..]));
    }

    /// <summary>Does something for each inside its namespace: a single process can be the clients of many pods. On a thread that is no pool's.</summary>
    /// <exception cref="LabException">There is no such namespace.</exception>
    public static void InEach(IEnumerable<LoadTarget> targets, Action<LoadTarget> work)
    {
        using var entry = new NamespaceEntry();
        foreach (var target in targets)
        {
            if (!NetworkNamespace.TryOpen(Topology.PathOf(target.Network), out var inside, out var reason)) throw new LabException(reason);
            using (inside)
            {
                entry.Run(inside!, () =>
                {
                    work(target);
                    return true;
                });
            }
        }
    }

    /// <summary>A connection to it. Inside its namespace.</summary>
    public Socket Connect()
    {
        var socket = new Socket(To.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(To);
        return socket;
    }
}
