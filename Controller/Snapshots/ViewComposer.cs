using Ambient.Controller.Model;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Snapshots;

/// <summary>Encodes what nodes are told of pods: the model, joined with how far each pod is and what its node can. Owned by whoever holds its lock.</summary>
/// <param name="stateOf">How far a pod's enrolment is, by UID.</param>
/// <param name="excludedPortsOf">The inbound ports of a pod that are announced as excluded.</param>
/// <param name="capabilitiesOf">What a node said it can.</param>
/// <param name="tooLarge">Told of a resource that is left out, and its size in bytes.</param>
internal sealed class ViewComposer(Func<string, EnrolmentState> stateOf, Func<MeshPod, IEnumerable<uint>> excludedPortsOf,
    Func<string, IEnumerable<string>> capabilitiesOf, Action<string, int> tooLarge)
{
    private readonly Dictionary<string, string> _namespaces = [];   // of pods that nodes have been told of

    /// <summary>The update of what depends on the sources alone.</summary>
    internal IEnumerable<ToldChange> Resources(IEnumerable<ToldChange> changes) => changes.Select(WithinBounds);

    /// <summary>The update of single pods.</summary>
    internal IEnumerable<ToldChange> Pods(MeshModel model, IEnumerable<string> uids)
    {
        foreach (var uid in uids)
        {
            if (model.Pods.TryGetValue(uid, out var pod))
            {
                // A UID is one pod's for ever; should a source say otherwise, the one before is gone from where it was.
                if (_namespaces.TryGetValue(uid, out var before) && before != pod.Namespace)
                    yield return new ToldChange(pod.Key, before, null);
                _namespaces[uid] = pod.Namespace;
                yield return WithinBounds(ToldChange.To(ToldResource.Of(ResourceOf(pod), pod.Namespace)));
            }
            else if (_namespaces.Remove(uid, out var ns))
            {
                yield return new ToldChange($"workload/{uid}", ns, null);
            }
        }
    }

    // Taken back, if nodes had it, where it is too large to be sent.
    private ToldChange WithinBounds(ToldChange change)
    {
        if (change.Now is not { Length: > DeltaEncoder.MaxResourceBytes } large)
            return change;
        tooLarge(large.Key.ToString(), large.Length);
        return change with { Now = null };
    }

    private Resource ResourceOf(MeshPod pod)
    {
        var resource = pod.ToResource(stateOf(pod.Uid), capabilitiesOf(pod.Node));
        resource.Workload.ExcludedInboundPorts.AddRange(excludedPortsOf(pod));
        return resource;
    }
}
