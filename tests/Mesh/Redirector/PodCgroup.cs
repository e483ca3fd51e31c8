namespace Ambient.Tests.Mesh.Redirector;

/// <summary>A cgroup as kubelet makes one for a pod, for real processes to be put into.</summary>
internal static class PodCgroup
{
    /// <summary>Makes it.</summary>
    /// <returns>Its folder; null where this machine lets nobody make one.</returns>
    public static string? Make(string path)
    {
        foreach (string root in (string[])["/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"])
        {
            if (!Directory.Exists(root))
                continue;
            try
            {
                string group = Path.Combine(root, path);
                Directory.CreateDirectory(group);
                if (File.Exists(Path.Combine(group, "cgroup.procs")))
                    return group;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Mounted read-only, or not ours: the next one.
            }
        }
        return null;
    }

    /// <summary>Removes the pod's folder and, upwards, those that the test made or that stand empty anyway.</summary>
    /// <returns>False while a process is in it.</returns>
    public static bool TryRemove(string group)
    {
        for (bool isFirst = true; Path.GetFileName(group) != "cgroup" && !string.IsNullOrEmpty(group); isFirst = false, group = Path.GetDirectoryName(group)!)
        {
            try
            {
                if (group.Contains("kubepods", StringComparison.Ordinal))
                    Directory.Delete(group);
            }
            catch (IOException)
            {
                return !isFirst;
            }
        }
        return true;
    }
}
