#pragma warning disable CA1416 // File modes: Linux only, as the whole product.
namespace Ambient.Controller.Authority;

/// <summary>
/// The controller's folder of keys and records. Each file appears whole or not at all (written beside and renamed over),
/// and a private one is private from its first byte on.
/// </summary>
internal sealed class StateFolder : IStateStore
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everyone = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <param name="path">Made if it is missing.</param>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    internal StateFolder(string path)
    {
        Path = path;
        Directory.CreateDirectory(path);
    }

    internal string Path { get; }

    /// <inheritdoc/>
    public string Place => Path;

    /// <summary>The text of a file, or null if there is none.</summary>
    /// <exception cref="IOException">The file is there and cannot be read.</exception>
    public string? TryRead(string name)
    {
        try
        {
            return File.ReadAllText(At(name));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes a file that only the owner may read (0600), through to the disk.</summary>
    public void WritePrivate(string name, string text) => Write(name, Of(text), OwnerOnly, isDurable: true);

    /// <summary>Writes a file that everyone may read (0644), through to the disk.</summary>
    public void WritePublic(string name, string text) => Write(name, Of(text), Everyone, isDurable: true);

    /// <summary>
    /// Writes a private file that is written often and can be done without: it outlives this process, not a power failure,
    /// after which it may be empty.
    /// </summary>
    internal void WriteRecord(string name, string text) => WriteRecord(name, Of(text));

    /// <inheritdoc cref="WriteRecord(string, string)"/>
    /// <param name="write">Writes what is in it: of a large mesh it would be megabytes as a text.</param>
    internal void WriteRecord(string name, Action<Stream> write) => Write(name, write, OwnerOnly, isDurable: false);

    public void Delete(string name) => File.Delete(At(name));

    /// <summary>The names of the files in a folder of this folder; none if it is not there.</summary>
    internal IReadOnlyList<string> List(string folder) =>
        Directory.Exists(At(folder)) ? [.. Directory.EnumerateFiles(At(folder)).Select(f => System.IO.Path.GetFileName(f))] : [];

    private string At(string name) => System.IO.Path.Combine(Path, name);

    private static Action<Stream> Of(string text) => stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    };

    private void Write(string name, Action<Stream> write, UnixFileMode mode, bool isDurable)
    {
        var target = At(name);
        var folder = System.IO.Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(folder);
        // A leading dot and a random end: no reader takes it for the file, and two writers never meet in it.
        var beside = System.IO.Path.Combine(folder, $".{System.IO.Path.GetFileName(target)}.{System.IO.Path.GetRandomFileName()}");
        try
        {
            using (var stream = new FileStream(beside, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = mode,
            }))
            {
                // The mode at creation passes through the umask; the public files must be readable whatever it is.
                File.SetUnixFileMode(stream.SafeFileHandle, mode);
                write(stream);
                stream.Flush(isDurable);
            }
            File.Move(beside, target, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }
}
