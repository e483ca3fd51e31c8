using System.Net;

namespace Ambient.Bench.Rig.Peers;

/// <summary>A way for bytes from the client's pod to the server's: ours, a product that a user could pick instead, or none at all.</summary>
internal interface IPeer : IAsyncDisposable
{
    /// <summary>Its name in tables and result lines.</summary>
    string Name { get; }

    /// <summary>The network namespace that clients run in.</summary>
    string ClientNetwork { get; }

    /// <summary>The network namespace of the server.</summary>
    string ServerNetwork { get; }

    /// <summary>The proxy's processes, workers included. Empty for the direct path.</summary>
    IReadOnlyList<int> Processes { get; }

    /// <summary>Those whose CPU is counted: the proxy's, and any helper that works for each connection.</summary>
    IReadOnlyList<int> CpuProcesses => Processes;

    /// <summary>Its full configuration, so that its own experts can judge it.</summary>
    string Configuration { get; }

    /// <summary>How many connections from one pod it can hold at once under this machine's limit of descriptors.</summary>
    int MostConnections { get; }

    /// <summary>Where a client connects to in order to reach a port of the server.</summary>
    IPEndPoint AddressOf(int serverPort);

    /// <summary>Fresh processes in place of its own, which serve and have carried nothing yet: no links, no sessions, no memory of before.</summary>
    Task RestartAsync();

    /// <summary>Closes all connections between the hops, as an idle time does. Processes and the TLS sessions that they remember stay.</summary>
    Task CloseLinksAsync();
}
