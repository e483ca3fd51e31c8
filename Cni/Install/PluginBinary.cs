namespace Ambient.Cni.Install;

/// <summary>This program where the container runtime looks for plugins.</summary>
internal static class PluginBinary
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>Puts the program there. One that runs meanwhile goes on with the file that it was started from.</summary>
    /// <returns>What was done; null when the same is there already.</returns>
    public static string? Install(string program, string folder)
    {
        string target = Path.Combine(folder, NetworkList.PluginType);
        if (File.Exists(target) && AreEqual(program, target))
            return null;
        Directory.CreateDirectory(folder);
        AtomicFile.Replace(target, to =>
        {
            using var from = File.OpenRead(program);
            from.CopyTo(to, BufferBytes);
        }, AtomicFile.ExecutableByAll);
        return $"{target} was installed";
    }

    /// <returns>What was done; null when there is none.</returns>
    public static string? Uninstall(string folder)
    {
        string target = Path.Combine(folder, NetworkList.PluginType);
        if (!File.Exists(target))
            return null;
        File.Delete(target);
        return $"{target} was removed";
    }

    private static bool AreEqual(string one, string other)
    {
        using var a = File.OpenRead(one);
        using var b = File.OpenRead(other);
        if (a.Length != b.Length)
            return false;
        byte[] left = new byte[BufferBytes], right = new byte[BufferBytes];
        for (int read; (read = a.ReadAtLeast(left, left.Length, throwOnEndOfStream: false)) > 0;)
            if (b.ReadAtLeast(right.AsSpan(0, read), read, throwOnEndOfStream: false) != read || !left.AsSpan(0, read).SequenceEqual(right.AsSpan(0, read)))
                return false;
        return true;
    }
}
