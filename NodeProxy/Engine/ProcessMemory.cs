using System.Globalization;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// How much memory this process has used of what it may: of its cgroup, which counts the kernel's socket buffers too, or, where
/// that has no limit, of the machine. Source: the kernel's cgroup-v2.rst, "Memory"; proc_meminfo(5).
/// </summary>
internal readonly record struct ProcessMemory(long UsedBytes, long LimitBytes)
{
    /// <summary>Reads it.</summary>
    /// <param name="root">Where /proc and /sys are; "/" but in tests.</param>
    /// <param name="workingSetBytes">Of this process, for a machine without a limit.</param>
    /// <returns>Null where neither can be read.</returns>
    public static ProcessMemory? Read(string root, long workingSetBytes)
    {
        try
        {
            if (OfGroup(root) is { } group) return group;
            string? total = File.ReadLines(Path.Combine(root, "proc/meminfo")).FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal));
            return total is not null && long.TryParse(total.AsSpan(9).TrimEnd("kB ").Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes)
                ? new ProcessMemory(workingSetBytes, kibibytes * 1024)
                : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ProcessMemory? OfGroup(string root)
    {
        string? own = File.ReadLines(Path.Combine(root, "proc/self/cgroup")).FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal));
        if (own is null) return null;
        string folder = Path.Join(root, "sys/fs/cgroup", own[3..]);
        if (!TryNumber(Path.Combine(folder, "memory.max"), out long limit) || !TryNumber(Path.Combine(folder, "memory.current"), out long used)) return null;
        // Files that were read and can be dropped at once are no use of memory.
        string? cached = File.ReadLines(Path.Combine(folder, "memory.stat")).FirstOrDefault(line => line.StartsWith("inactive_file ", StringComparison.Ordinal));
        if (cached is not null && long.TryParse(cached.AsSpan(14), NumberStyles.None, CultureInfo.InvariantCulture, out long droppable)) used -= droppable;
        return new ProcessMemory(used, limit);
    }

    private static bool TryNumber(string file, out long number)
    {
        number = 0;
        return File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
