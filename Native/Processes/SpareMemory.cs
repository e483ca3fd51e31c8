namespace Ambient.Native.Processes;

/// <summary>
/// What the managed heap has taken from the system and does not need any more. The collector keeps it until enough new work comes along,
/// which in a process that rests may be days. When to look, and whether anybody would notice, is the caller's to know. For one thread.
/// </summary>
public sealed class SpareMemory
{
    private long _kept;

    /// <summary>Bytes that the heap has taken beyond what the last <see cref="GiveBack"/> left, as the last collection found it.</summary>
    public long Grown => Committed() - _kept;

    /// <summary>Bytes of objects in the heap after the last collection: what the next one has to look through.</summary>
    public static long Live => GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes;

    /// <summary>Collects, compacts, and returns what is free to the system. All threads stand still meanwhile: some 5 ms for 5 MB that live.</summary>
    public void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _kept = Committed();
    }

    // Of the last collection: between two nothing is given back.
    private static long Committed() => GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
}
