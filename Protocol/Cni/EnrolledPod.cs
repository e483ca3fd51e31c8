namespace Ambient.Protocol.Cni;

/// <summary>A pod that a label of its own brings into the mesh, in a namespace that is not enrolled.</summary>
public sealed record EnrolledPod(string Uid, string Namespace, string Name);
