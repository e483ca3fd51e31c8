using System.Collections.Immutable;

namespace Ambient.Controller.Sources;

/// <summary>Everything that a source knows at one moment, in an order that is the same for the same content.</summary>
/// <param name="UnknownKinds">Kinds that were met and not read. Among them may be policies that we would have to respect.</param>
/// <param name="IsStandalone">Whether whoever writes the objects may name network namespaces by path.</param>
internal sealed record SourceSnapshot(ImmutableArray<SourceObject> Objects, ImmutableArray<string> UnknownKinds,
    ImmutableArray<SourceFault> Faults, bool IsStandalone);
