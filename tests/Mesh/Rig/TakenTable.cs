namespace Ambient.Tests.Mesh.Rig;

/// <summary>Somebody takes a pod's rules for themselves, which Redirector can then not mend.</summary>
internal static class TakenTable
{
    /// <summary>
    /// For a shell in the pod's namespace; holds until its input ends. A table with an owner can be changed by nobody else, and goes when its
    /// owner ends: nft(8), "TABLES". One line is one transaction: between two, Redirector may have mended it already.
    /// </summary>
    public const string Script = "{ echo 'delete table inet ambient; add table inet ambient { flags owner; }'; cat; } | nft -i >/dev/null";
}
