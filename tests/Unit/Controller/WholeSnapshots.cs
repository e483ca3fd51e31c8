using System.Runtime.CompilerServices;
using Ambient.Controller.Model;
using Ambient.Controller.Sources;

namespace Ambient.Tests.Unit.Controller;

/// <summary>For tests that describe a source by all that it holds: what changed since the last time is found out here.</summary>
internal static class WholeSnapshots
{
    private static readonly ConditionalWeakTable<ModelBuilder, SourceSnapshot> Last = [];

    internal static MeshModel Build(this ModelBuilder builder, SourceSnapshot source)
    {
        var change = SourceChange.Between(Last.TryGetValue(builder, out var before) ? before : null, source);
        Last.AddOrUpdate(builder, source);
        return builder.Apply(change);
    }

    /// <summary>The whole update of the view: of what the sources say, and of the pods.</summary>
    internal static IEnumerable<ToldChange> Update(this Ambient.Controller.Snapshots.ViewComposer composer, MeshModel model) =>
        composer.Resources(model.Change.Resources).Concat(composer.Pods(model, model.Change.Pods));
}
