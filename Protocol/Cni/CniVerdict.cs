namespace Ambient.Protocol.Cni;

/// <summary>What becomes of a pod that starts.</summary>
public enum CniVerdict
{
    /// <summary>Its rules are in force.</summary>
    Captured,

    /// <summary>It starts without the mesh.</summary>
    Passes,

    /// <summary>It must not start.</summary>
    Fails,
}
