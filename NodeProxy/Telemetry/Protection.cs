namespace Ambient.NodeProxy.Telemetry;

/// <summary>What keeps others from reading a connection. Never just "encrypted".</summary>
public enum Protection
{
    /// <summary>Mutual TLS between the two pods' identities.</summary>
    MutualTls,

    /// <summary>The bytes never leave this process.</summary>
    InMemory,

    /// <summary>Nothing.</summary>
    Plaintext,
}
