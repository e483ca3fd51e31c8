using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Namespaces;

/// <summary>
/// Lets one thread work inside network namespaces. A namespace belongs to a thread, not to the process, so this object belongs to the
/// thread that made it: a long-lived one of its own, never one of the pool, which would carry a foreign namespace to whoever uses it next.
/// Child processes started inside inherit the namespace. Source: setns(2).
/// </summary>
public sealed class NamespaceEntry : IDisposable
{
    private const int NetworkType = 0x40000000; // CLONE_NEWNET

    private readonly NetworkNamespace _home;
    private readonly int _thread = Environment.CurrentManagedThreadId;

    /// <summary>Opens the way back first. The calling thread becomes the owner.</summary>
    /// <exception cref="SystemCallException">/proc is not mounted.</exception>
    public NamespaceEntry()
    {
        if (!NetworkNamespace.TryOpen("/proc/thread-self/ns/net", out var home, out _))
            throw new SystemCallException("open", Errno.NoEntry);
        _home = home!;
    }

    /// <summary>The namespace this thread lives in.</summary>
    public NamespaceIdentity Home => _home.Identity;

    /// <summary>Runs work inside a namespace and comes back.</summary>
    /// <exception cref="SystemCallException">The namespace may not be entered; the work did not run.</exception>
    /// <exception cref="InvalidOperationException">The thread is not the owner; or the way back failed, after which the process must end.</exception>
    public T Run<T>(NetworkNamespace inside, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(inside);
        ArgumentNullException.ThrowIfNull(work);
        AssertOwner();
        if (NamespaceImports.Enter(inside.Number, NetworkType) != 0)
            throw new SystemCallException("setns", (Errno)Marshal.GetLastPInvokeError());
        try
        {
            return work();
        }
        finally
        {
            Return();
        }
    }

    /// <summary>Makes a namespace that nobody else knows. unshare(2).</summary>
    /// <exception cref="SystemCallException">This process may not.</exception>
    public NetworkNamespace CreateNamespace()
    {
        AssertOwner();
        if (NamespaceImports.Unshare(NetworkType) != 0)
            throw new SystemCallException("unshare", (Errno)Marshal.GetLastPInvokeError());
        try
        {
            return NetworkNamespace.TryOpen("/proc/thread-self/ns/net", out var created, out string reason)
                ? created!
                : throw new InvalidOperationException(reason);
        }
        finally
        {
            Return();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _home.Dispose();

    private void AssertOwner()
    {
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException("A namespace entry belongs to the thread that made it.");
    }

    private void Return()
    {
        // Going on in a foreign namespace would do the next pod's work in this one: nothing but the end of the process is safe.
        if (NamespaceImports.Enter(_home.Number, NetworkType) != 0)
            throw new InvalidOperationException($"No way back from a network namespace: {(Errno)Marshal.GetLastPInvokeError()}.");
    }
}
