using System.Globalization;

namespace Ambient.Redirector.Namespaces;

/// <summary>The processes of this machine by pod. Source: proc_pid_cgroup(5), proc_pid_stat(5).</summary>
/// <param name="proc">Where the host's /proc is mounted.</param>
internal sealed class ProcessTable(string proc)
{
    /// <summary>It is that of this process's own process namespace, so that its numbers mean the same to system calls.</summary>
    public bool IsOwn => proc == "/proc";

    /// <summary>A process, and when it started in clock ticks since boot.</summary>
    public readonly record struct Entry(int Id, ulong StartTime);

    /// <summary>Every process in the pod's cgroup.</summary>
    public IEnumerable<Entry> InPod(string uid)
    {
        if (uid.Length == 0)
            yield break;
        foreach (string folder in Directory.EnumerateDirectories(proc))
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && IsInPod(id, uid) && StartTimeOf(id) is { } start)
                yield return new Entry(id, start);
    }

    /// <summary>Whether the process is in the pod's cgroup; a process that ended is not.</summary>
    public bool IsInPod(int process, string uid) =>
        Read($"{proc}/{process}/cgroup") is { } groups && groups.Split('\n').Any(line => CgroupName.IsOf(line, uid));

    /// <summary>Field 22 of the process's status line; null when it ended.</summary>
    public ulong? StartTimeOf(int process)
    {
        // The second field is the program's name in parentheses and may hold anything, so counting starts behind the last one.
        string[]? fields = Read($"{proc}/{process}/stat") is { } line ? line[(line.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) : null;
        return fields is { Length: > 19 } && ulong.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out ulong start) ? start : null;
    }

    /// <summary>Where a process's network namespace can be opened.</summary>
    public string NamespaceOf(int process) => $"{proc}/{process}/ns/net";

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended, before or while it was read (ESRCH), or belongs to somebody this process may not look at.
            return null;
        }
    }
}
