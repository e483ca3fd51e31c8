using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;

namespace Ambient.Redirector.Namespaces;

/// <summary>A pod's namespace and how its end will show: another namespace at its path, or the end of its first process.</summary>
internal sealed record FoundNamespace(NetworkNamespace Namespace, string? Path, Descriptor? FirstProcess) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Namespace.Dispose();
        FirstProcess?.Dispose();
    }
}
