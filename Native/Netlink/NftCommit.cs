namespace Ambient.Native.Netlink;

/// <summary>One commit to a namespace's nftables.</summary>
/// <param name="Generation">The number the kernel gave it; it rises by one a commit, and wraps.</param>
/// <param name="ProcessId">Whose commit, in the kernel's initial PID namespace.</param>
/// <param name="Program">That process's name, at most 15 bytes.</param>
/// <param name="TouchesTable">It changed something of the watched table.</param>
/// <param name="IsAnswer">No commit but the answer to <see cref="NftWatch.AskGeneration"/>: it says what the last one was, not what it did.</param>
public readonly record struct NftCommit(uint Generation, uint ProcessId, string Program, bool TouchesTable, bool IsAnswer)
{
    /// <summary>Whether it came after the commit of that number, wrap-around included.</summary>
    public bool IsAfter(uint generation) => (int)(Generation - generation) > 0;
}
