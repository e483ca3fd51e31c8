namespace Ambient.Redirector.Namespaces;

/// <summary>
/// Recognises a pod's cgroup by its UID. kubelet names it <c>pod{uid}</c> (cgroupfs) or <c>kubepods-besteffort-pod{uid}.slice</c> with
/// dashes as underscores (systemd), under version 1 and 2 alike.
/// </summary>
internal static class CgroupName
{
    private const string Slice = ".slice";

    /// <summary>Whether a line of /proc/PID/cgroup lies in the pod's cgroup.</summary>
    public static bool IsOf(string cgroupLine, string uid)
    {
        ReadOnlySpan<char> path = cgroupLine.AsSpan(cgroupLine.LastIndexOf(':') + 1);
        foreach (var range in path.Split('/'))
            if (IsSegmentOf(path[range], uid))
                return true;
        return false;
    }

    private static bool IsSegmentOf(ReadOnlySpan<char> segment, string uid)
    {
        if (segment.EndsWith(Slice, StringComparison.Ordinal))
            segment = segment[..^Slice.Length];
        if (segment.Length < uid.Length + 3 || !EqualsUid(segment[^uid.Length..], uid))
            return false;
        // "pod" must start the name or follow a dash, else the tail of a longer UID would pass.
        var before = segment[..^uid.Length];
        return before.SequenceEqual("pod") || before.EndsWith("-pod", StringComparison.Ordinal);
    }

    private static bool EqualsUid(ReadOnlySpan<char> name, string uid)
    {
        for (int i = 0; i < uid.Length; i++)
            if (name[i] != uid[i] && !(name[i] == '_' && uid[i] == '-'))
                return false;
        return true;
    }
}
