using Ambient.Protocol.Mesh.V1;

namespace Ambient.NodeProxy.Discovery;

/// <summary>A change of the view, complete: the parts of a full view are put together before they get here.</summary>
/// <param name="Epoch">The epoch its version counts in.</param>
/// <param name="Version">The version that the view has once it is applied.</param>
/// <param name="IsFull">What is not named here is gone.</param>
/// <param name="Upserts">What is new or different. Of two with one key the later counts.</param>
/// <param name="Removals">Keys of what is gone; taken away before the upserts. A key that is not there is no fault: a delta may be sent again.</param>
public sealed record MeshDelta(string Epoch, ulong Version, bool IsFull, IReadOnlyList<Resource> Upserts, IReadOnlyList<string> Removals);
