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

    /// <summary>Whether each of its routes can have certificates of its own.</summary>
    public virtual bool HasKeysForEachRoute => true;

    /// <summary>Plain TCP in, mutual TLS 1.3 out.</summary>
    public abstract ProxySetup Client(ImmutableArray<ProxyRoute> routes);

    /// <summary>Mutual TLS 1.3 in, plain TCP out.</summary>
    public abstract ProxySetup Server(ImmutableArray<ProxyRoute> routes);

    /// <summary>Plain TCP in and out.</summary>
    public abstract ProxySetup Plain(ImmutableArray<ProxyRoute> routes);
}

/// <summary>One way through both hops.</summary>
/// <param name="A">Where the hop at the client listens.</param>
/// <param name="B">Where the hop at the server listens.</param>
/// <param name="Server">Where the server listens.</param>
/// <param name="Keys">For the TLS between.</param>
internal sealed record ProxyHops(IPEndPoint A, IPEndPoint B, IPEndPoint Server, PeerKeys Keys);

/// <summary>One port that a proxy forwards.</summary>
/// <param name="From">Where it listens.</param>
/// <param name="To">Where it connects to.</param>
/// <param name="Keys">For its TLS side, if it has one.</param>
internal sealed record ProxyRoute(IPEndPoint From, IPEndPoint To, PeerKeys Keys);

/// <summary>How one process of a peer is started.</summary>
/// <param name="Command">In the foreground.</param>
/// <param name="Configuration">What it was told, in full.</param>
internal sealed record ProxySetup(Command Command, string Configuration);
