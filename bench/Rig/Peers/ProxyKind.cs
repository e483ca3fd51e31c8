using System.Collections.Immutable;
using System.Net;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>A product and how it is set up for each place.</summary>
internal abstract class ProxyKind(string name, int portOffset)
{
    /// <summary>Its name in tables and result lines.</summary>
    public string Name => name;

    /// <summary>Added to the server's ports for the ports of this peer.</summary>
    public int PortOffset => portOffset;

    /// <summary>Plain TCP in, mutual TLS 1.3 out.</summary>
    public abstract ProxySetup Client(ImmutableArray<ProxyRoute> routes);

    /// <summary>Mutual TLS 1.3 in, plain TCP out.</summary>
    public abstract ProxySetup Server(ImmutableArray<ProxyRoute> routes);

    /// <summary>Plain TCP in and out.</summary>
    public abstract ProxySetup Plain(ImmutableArray<ProxyRoute> routes);
}

/// <summary>One port that a proxy forwards.</summary>
/// <param name="From">Where it listens.</param>
/// <param name="To">Where it connects to.</param>
internal sealed record ProxyRoute(IPEndPoint From, IPEndPoint To);

/// <summary>How one process of a peer is started.</summary>
/// <param name="Command">In the foreground.</param>
/// <param name="Configuration">What it was told, in full.</param>
internal sealed record ProxySetup(Command Command, string Configuration);
