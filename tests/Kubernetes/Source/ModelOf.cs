using Ambient.Controller.Model;
using Ambient.Controller.Sources;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>The model that a controller makes of what a source holds now.</summary>
internal sealed class ModelOf(FollowedSource source)
{
    /// <summary>How many pods of a namespace are to be in the mesh.</summary>
    internal int Enrolled(string ns) => Build().Pods.Values.Count(p => p.Namespace == ns && p.WantsEnrolment);

    internal MeshModel Build() => new ModelBuilder("cluster.local").Build(
        new SourceSnapshot([.. source.All<SourceObject>().Order(SourceOrder.Instance)], source.Last.UnknownKinds, source.Last.Faults, IsStandalone: false));
}
