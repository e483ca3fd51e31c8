namespace Ambient.Protocol.Model;

/// <summary>What a captured pod does with plaintext that arrives from outside the mesh.</summary>
public enum ProtectionMode
{
    /// <summary>Refused. Also what an unspecified mode means: a node never guesses the weaker one.</summary>
    Strict,

    /// <summary>Delivered.</summary>
    Permissive,
}
