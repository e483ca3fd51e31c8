using Microsoft.Win32.SafeHandles;

namespace Ambient.Redirector.Orders;

/// <summary>
/// Files that only this process's user reads (directory 0700, files 0600), each replaced as a whole: a reader sees the old content or the
/// new one, also after a crash.
/// </summary>
internal sealed class StateDirectory
{
    private readonly string _path;

    /// <summary>Makes the directory if it is missing and narrows its rights.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public StateDirectory(string path)
    {
        _path = path;
        PrivateFolder(path);
    }

    public string PathOf(string name) => Path.Combine(_path, name);

    /// <summary>A folder below with the same rights.</summary>
    public StateDirectory Below(string name) => new(PathOf(name));

    /// <returns>Null when there is none.</returns>
    public byte[]? Read(string name)
    {
        string path = PathOf(name);
        return File.Exists(path) ? File.ReadAllBytes(path) : null;
    }

    /// <summary>Replaces a file.</summary>
    /// <param name="isDurable">It must survive a loss of power.</param>
    public void Write(string name, ReadOnlySpan<byte> content, bool isDurable)
    {
        string path = PathOf(name), fresh = path + ".new";
        File.Delete(fresh);
        using (SafeFileHandle file = OpenPrivate(fresh))
        {
            RandomAccess.Write(file, content, 0);
            if (isDurable)
                RandomAccess.FlushToDisk(file);
        }
        File.Move(fresh, path, overwrite: true);
    }

    public void Delete(string name) => File.Delete(PathOf(name));

    /// <summary>Names of all complete files.</summary>
    public IEnumerable<string> Names() =>
        Directory.EnumerateFiles(_path).Select(p => Path.GetFileName(p)).Where(n => !n.EndsWith(".new", StringComparison.Ordinal));

#pragma warning disable CA1416 // Unix modes: this program runs on Linux alone.
    private static void PrivateFolder(string path)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static SafeFileHandle OpenPrivate(string path)
    {
        using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        stream.Close();
        return File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.Read);
    }
#pragma warning restore CA1416
}
