namespace Ambient.Protocol.Model;

/// <summary>How far a pod is on its way into the mesh or out of it. Only <see cref="Enrolled"/> takes tunnels.</summary>
public enum Enrolment
{
    /// <summary>Not in the mesh; spoken to in plaintext.</summary>
    None,

    /// <summary>Its node prepares it; others still speak plaintext.</summary>
    Enrolling,

    /// <summary>Captured; takes tunnels.</summary>
    Enrolled,

    /// <summary>Still captured; others already speak plaintext.</summary>
    Withdrawing,
}
