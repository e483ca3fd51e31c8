using System.Collections.Immutable;

namespace Ambient.Controller.Sources;

/// <summary>
/// What of a source is another since it published last; the first holds everything. Objects are told apart by reference: one that
/// changed is among <paramref name="Removed"/> as the very object that was added, and among <paramref name="Added"/> as what it is now.
/// So a source must keep what it has published, and may publish an object again only if it is another one.
/// </summary>
/// <param name="UnknownKinds">All kinds that are met at this moment and not read. Among them may be policies that we would have to respect.</param>
/// <param name="Faults">All that is wrong with the source at this moment.</param>
/// <param name="IsStandalone">Whether whoever writes the objects may name network namespaces by path. The same from first to last.</param>
internal sealed record SourceChange(ImmutableArray<SourceObject> Added, ImmutableArray<SourceObject> Removed, ImmutableArray<string> UnknownKinds,
    ImmutableArray<SourceFault> Faults, bool IsStandalone)
{
    /// <summary>What makes one snapshot into its successor, for a source that only knows what it holds. Looks at all objects of both.</summary>
    /// <param name="before">Null for an empty one.</param>
    internal static SourceChange Between(SourceSnapshot? before, SourceSnapshot after)
    {
        var (old, present) = (SetOf(before?.Objects ?? []), SetOf(after.Objects));
        return new SourceChange([.. present.Where(item => !old.Contains(item))], [.. old.Where(item => !present.Contains(item))],
            after.UnknownKinds, after.Faults, after.IsStandalone);

        static HashSet<SourceObject> SetOf(ImmutableArray<SourceObject> objects) => new(objects, ReferenceEqualityComparer.Instance);
    }
}
