using Ambient.Controller.Model;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Snapshots;

/// <summary>Encodes what nodes are told: the model, joined with how far each pod is and what its node can.</summary>
/// <param name="stateOf">How far a pod's enrolment is, by UID.</param>
/// <param name="excludedPortsOf">The inbound ports of a pod that are announced as excluded.</param>
/// <param name="capabilitiesOf">What a node said it can.</param>
/// <param name="tooLarge">Told of a resource that is left out, and its size in bytes.</param>
internal sealed class ViewComposer(Func<string, EnrolmentState> stateOf, Func<MeshPod, IEnumerable<uint>> excludedPortsOf,
    Func<string, IEnumerable<string>> capabilitiesOf, Action<string, int> tooLarge)
{
    /// <summary>The update that makes the view of one model into that of its successor. What both share is passed over unread.</summary>
    /// <param name="before">Null for an empty view.</param>
    internal IEnumerable<KeyValuePair<string, ByteString?>> Change(MeshModel? before, MeshModel after)
    {
        var view = new Dictionary<string, ByteString?>();
        var left = new HashSet<Resource>(before?.Resources ?? [], ReferenceEqualityComparer.Instance);
        foreach (var resource in after.Resources.Where(r => !left.Remove(r)))
            view[resource.Key] = Encode(resource);
        foreach (var gone in left)
            view.TryAdd(gone.Key, null);

        foreach (var pod in after.Pods.Values)
        {
            if (before?.Pods.TryGetValue(pod.Uid, out var known) != true || !ReferenceEquals(pod, known))
                view[pod.Key] = Encode(ResourceOf(pod));
        }
        foreach (var gone in before?.Pods.Values.Where(p => !after.Pods.ContainsKey(p.Uid)) ?? [])
            view[gone.Key] = null;
        return view;
    }

    /// <summary>The update of single pods.</summary>
    internal IEnumerable<KeyValuePair<string, ByteString?>> Pods(MeshModel model, IEnumerable<string> uids)
    {
        foreach (var uid in uids)
        {
            yield return model.Pods.TryGetValue(uid, out var pod) ? new(pod.Key, Encode(ResourceOf(pod))) : new($"workload/{uid}", null);
        }
    }

    // Null, and so taken back if nodes had it, for one that is too large to be sent.
    private ByteString? Encode(Resource resource)
    {
        var bytes = resource.ToByteString();
        if (bytes.Length <= DeltaEncoder.MaxResourceBytes)
            return bytes;
        tooLarge(resource.Key, bytes.Length);
        return null;
    }

    private Resource ResourceOf(MeshPod pod)
    {
        var resource = pod.ToResource(stateOf(pod.Uid), capabilitiesOf(pod.Node));
        resource.Workload.ExcludedInboundPorts.AddRange(excludedPortsOf(pod));
        return resource;
    }
}
