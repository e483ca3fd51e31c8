namespace Ambient.Controller.Replicas;

/// <summary>A ConfigMap with the name of the trust bundle, in a namespace that asks for that, which somebody else made and keeps.</summary>
/// <param name="Mesh">Namespace of the other mesh that it is of; null if it is of none, a user's own.</param>
internal sealed record ForeignTrustMap(string Namespace, string Uid, string? Mesh);
