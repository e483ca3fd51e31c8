using System.Runtime.InteropServices;
using System.Text;
using Ambient.Native.Descriptors;
using Microsoft.Win32.SafeHandles;

namespace Ambient.Native.Processes;

/// <summary>
/// Runs a short-lived program to its end, without a shell, in the namespaces of the calling thread (posix_spawn(3) copies them; the
/// framework's Process class does not promise from which thread it forks). Its three streams are memory, so neither side can block the other.
/// </summary>
public static unsafe class ChildProcess
{
    private const short SetDefaults = 4, SetMask = 8; // POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK
    private const int Killed = 9;
    private const int MaxOutputBytes = 16 * 1024 * 1024;

    /// <summary>Starts the program, gives it its input, and waits.</summary>
    /// <param name="path">Absolute path of the program.</param>
    /// <param name="arguments">Without the program's own name.</param>
    /// <param name="input">What it reads from standard input.</param>
    /// <param name="atMost">After this it is killed.</param>
    /// <param name="time">The clock for that.</param>
    /// <exception cref="SystemCallException">It could not be started.</exception>
    public static ChildResult Run(string path, IReadOnlyList<string> arguments, ReadOnlySpan<byte> input, TimeSpan atMost, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        using var standardInput = Memory("input");
        using var output = Memory("output");
        using var error = Memory("error");
        using (var file = new SafeFileHandle(standardInput.Number, ownsHandle: false))
            RandomAccess.Write(file, input, 0);
        int process = Start(path, arguments, [standardInput.Number, output.Number, error.Number]);
        using var descriptor = ProcessDescriptor.TryOpen(process, out var failure);
        bool isEnded = descriptor is not null && ProcessDescriptor.WaitForEnd(descriptor, atMost, time);
        if (!isEnded)
            _ = ProcessImports.Kill(process, Killed); // not reaped yet, so the number is still this child's
        int exitCode = Reap(process);
        if (descriptor is null)
            throw new SystemCallException("pidfd_open", failure);
        return new ChildResult(exitCode, !isEnded, Read(output), Read(error));
    }

    private static int Start(string path, IReadOnlyList<string> arguments, ReadOnlySpan<int> streams)
    {
        // Opaque structures of the C library: at most 80, 336 and 128 bytes (glibc and musl, 64 bit). Twice that is safe.
        byte* actions = stackalloc byte[256];
        byte* attributes = stackalloc byte[1024];
        byte* signals = stackalloc byte[256];
        var strings = new List<nint>();
        byte** argumentVector = stackalloc byte*[arguments.Count + 2];
        byte** environment = stackalloc byte*[3];
        // SAFETY: all structures are on this stack frame; the vectors end with null; their strings live until the finally block,
        // after posix_spawn has returned, by when the child has its own copies.
        _ = ProcessImports.InitializeActions(actions);
        _ = ProcessImports.InitializeAttributes(attributes);
        try
        {
            for (int stream = 0; stream < streams.Length; stream++)
                _ = ProcessImports.AddDuplicate(actions, streams[stream], stream);
            // This runtime ignores SIGPIPE and blocks signals on some threads; a child must inherit neither.
            _ = ProcessImports.NoSignals(signals);
            _ = ProcessImports.SetSignalMask(attributes, signals);
            _ = ProcessImports.AllSignals(signals);
            _ = ProcessImports.SetDefaultSignals(attributes, signals);
            _ = ProcessImports.SetFlags(attributes, SetDefaults | SetMask);
            argumentVector[0] = Text(path, strings);
            for (int i = 0; i < arguments.Count; i++)
                argumentVector[i + 1] = Text(arguments[i], strings);
            argumentVector[arguments.Count + 1] = null;
            environment[0] = Text("PATH=/usr/sbin:/usr/bin:/sbin:/bin", strings);
            environment[1] = Text("LC_ALL=C", strings);
            environment[2] = null;
            int error = ProcessImports.Spawn(out int process, path, actions, attributes, argumentVector, environment);
            return error == 0 ? process : throw new SystemCallException($"posix_spawn {path}", (Errno)error);
        }
        finally
        {
            _ = ProcessImports.DestroyActions(actions);
            _ = ProcessImports.DestroyAttributes(attributes);
            foreach (nint text in strings)
                Marshal.FreeCoTaskMem(text);
        }
    }

    private static byte* Text(string text, List<nint> strings)
    {
        nint memory = Marshal.StringToCoTaskMemUTF8(text);
        strings.Add(memory);
        return (byte*)memory;
    }

    private static int Reap(int process)
    {
        int status;
        // SAFETY: the integer is on this stack frame.
        while (ProcessImports.Wait(process, &status, 0) < 0)
            if ((Errno)Marshal.GetLastPInvokeError() is var error && error != Errno.Interrupted)
                throw new SystemCallException("waitpid", error);
        int signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
    }

    private static Descriptor Memory(string name)
    {
        int number = Unix.UnixImports.MemoryFile(name, 1); // MFD_CLOEXEC: the copies at 0, 1 and 2 lose it
        return number >= 0 ? Descriptor.Adopt(number) : throw new SystemCallException("memfd_create", (Errno)Marshal.GetLastPInvokeError());
    }

    private static string Read(Descriptor memory)
    {
        using var file = new SafeFileHandle(memory.Number, ownsHandle: false);
        var bytes = new byte[Math.Min(RandomAccess.GetLength(file), MaxOutputBytes)];
        int read = RandomAccess.Read(file, bytes, 0);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }
}
