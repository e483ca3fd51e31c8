using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Google.Protobuf;

namespace Ambient.NodeProxy.Discovery;

/// <summary>A change of the view, complete: the parts of a full view are put together before they get here.</summary>
/// <param name="Epoch">The epoch its version counts in.</param>
/// <param name="Version">The version that the view has once it is applied.</param>
/// <param name="IsFull">What is not named here is gone.</param>
/// <param name="Upserts">What is new or different. Of two with one key the later counts.</param>
/// <param name="Removals">Keys of what is gone; taken away before the upserts. A key that is not there is no fault: a delta may be sent again.</param>
/// <param name="Fault">Why a resource of it could not be read, for a person; null if all could. Then nothing of it is applied.</param>
public sealed record MeshDelta(
    string Epoch, ulong Version, bool IsFull, IReadOnlyList<MeshResource> Upserts, IReadOnlyList<string> Removals, string? Fault = null)
{
    /// <summary>What controllers know the view by that there is once it is applied; empty if the controller tells none.</summary>
    public ByteString Fingerprint { get; init; } = ByteString.Empty;

    /// <summary>The fingerprint of the view that a change fits; empty if any of its epoch does.</summary>
    public ByteString BuildsOn { get; init; } = ByteString.Empty;

    /// <summary>Reads resources as they came, up to the first that cannot be read.</summary>
    /// <param name="shared">What equal values are made one object by.</param>
    /// <param name="into">What was read is appended.</param>
    /// <returns>Why one could not be read, for a person; null if all could.</returns>
    public static string? Read(IEnumerable<Resource> resources, SharedValues shared, ICollection<MeshResource> into)
    {
        foreach (Resource resource in resources)
        {
            if (!ResourceReader.TryRead(resource, shared, out MeshResource? read, out string? fault))
                return fault;
            into.Add(read);
        }
        return null;
    }
}
