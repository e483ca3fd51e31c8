namespace Ambient.Cni.Install;

/// <summary>Replaces a file as a whole: whoever reads sees the old content or the new one, also after a crash.</summary>
internal static class AtomicFile
{
#pragma warning disable CA1416 // Unix modes: this program runs on Linux alone.
    public const UnixFileMode ReadableByAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public const UnixFileMode ExecutableByAll = ReadableByAll | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const string FreshEnding = ".ambient-new";

    private static readonly TimeSpan _leftoverAge = TimeSpan.FromMinutes(10);

    /// <param name="write">Writes the content.</param>
    public static void Replace(string path, Action<Stream> write, UnixFileMode mode)
    {
        DeleteLeftovers(path);
        // A name of its own, since Redirector and a person may install at once. The runtime takes no file with such a name for a network.
        string fresh = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}{FreshEnding}");
        try
        {
            using (var stream = new FileStream(fresh, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            // After the file is closed, so that it can be started at once; and whatever the umask is.
            File.SetUnixFileMode(fresh, mode);
            File.Move(fresh, path, overwrite: true);
        }
        finally
        {
            File.Delete(fresh); // nothing, unless it could not take the other's place
        }
    }

    /// <summary>The same with the rights that the file has.</summary>
    public static void Replace(string path, byte[] content) =>
        Replace(path, to => to.Write(content), File.Exists(path) ? File.GetUnixFileMode(path) : ReadableByAll);
#pragma warning restore CA1416

    // Of processes that were killed. Those of living ones are seconds old.
    private static void DeleteLeftovers(string path)
    {
        var longAgo = TimeProvider.System.GetUtcNow() - _leftoverAge;
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.*{FreshEnding[1..]}"))
            if (new FileInfo(file) is { Exists: true } info && info.LastWriteTimeUtc < longAgo)
                info.Delete();
    }
}
