using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Ambient.Redirector.Rules;

/// <summary>
/// The settings of one network namespace, held open: a file of /proc/sys/net reads its own namespace's value for ever, from anywhere. To find
/// it by name costs more with each namespace that the machine has, since the kernel keeps their entries of one name in one chain
/// (proc_sys_compare): of 400 pods, each asked every 3 s, that took a quarter of a core. Used by one thread at a time.
/// </summary>
internal sealed class HeldSysctls : IDisposable
{
    private readonly SafeFileHandle?[] _files;

    /// <summary>Opens them in the calling thread's namespace.</summary>
    /// <param name="paths">Of loose, mark accept, mark reflect and its IPv6 half, as in <see cref="PodSettings"/>. Those that the kernel does not have are left out.</param>
    /// <exception cref="IOException">One is there and cannot be read.</exception>
    internal HeldSysctls(IReadOnlyList<string> paths)
    {
        _files = new SafeFileHandle?[paths.Count];
        try
        {
            for (int i = 0; i < paths.Count; i++)
                _files[i] = Open(paths[i]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>One is not there, or was not when they were opened: a module may bring it.</summary>
    public bool LacksAny => _files.Any(file => file is null);

    /// <summary>What they are now.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public PodSettings Read() => new(Read(0), Read(1), Read(2), Read(3));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            file?.Dispose();
    }

    private static SafeFileHandle? Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private int? Read(int index)
    {
        if (_files[index] is not { } file)
            return null;
        Span<byte> text = stackalloc byte[16];
        try
        {
            int length = RandomAccess.Read(file, text, 0);
            return int.Parse(text[..length].TrimEnd((byte)'\n'), CultureInfo.InvariantCulture);
        }
        catch (FileNotFoundException)
        {
            // Its module was taken away, and may come again.
            file.Dispose();
            _files[index] = null;
            return null;
        }
    }
}
