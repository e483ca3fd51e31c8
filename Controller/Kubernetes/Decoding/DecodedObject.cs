using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>What was kept of one object.</summary>
/// <param name="Version">Its resourceVersion, which is not part of what was kept.</param>
/// <param name="Content">The fields that its kind's shape names.</param>
/// <param name="Digest">The same for the same content, and no other's.</param>
/// <param name="Fault">Why nothing could be kept but its name; null if all is well.</param>
internal readonly record struct DecodedObject(string Namespace, string Name, string Version, YamlMapping Content, UInt128 Digest, string? Fault);
