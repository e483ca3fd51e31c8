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
    /// <summary>The update that makes a view with these keys into that of a model.</summary>
    internal IEnumerable<KeyValuePair<string, ByteString?>> Whole(MeshModel model, IEnumerable<string> keys)
    {
        var view = keys.ToDictionary(key => key, _ => (ByteString?)null);
        foreach (var resource in model.Resources.Concat(model.Pods.Values.Select(ResourceOf)))
        {
            var bytes = resource.ToByteString();
            if (bytes.Length <= DeltaEncoder.MaxResourceBytes)
                view[resource.Key] = bytes;
            else
                tooLarge(resource.Key, bytes.Length);
        }
        return view;
    }

    /// <summary>The update of single pods.</summary>
    internal IEnumerable<KeyValuePair<string, ByteString?>> Pods(MeshModel model, IEnumerable<string> uids)
    {
        foreach (var uid in uids)
        {
            if (!model.Pods.TryGetValue(uid, out var pod))
                yield return new($"workload/{uid}", null);
            else if (ResourceOf(pod).ToByteString() is { Length: <= DeltaEncoder.MaxResourceBytes } bytes)
                yield return new(pod.Key, bytes);
        }
    }

    private Resource ResourceOf(MeshPod pod)
    {
        var resource = pod.ToResource(stateOf(pod.Uid), capabilitiesOf(pod.Node));
        resource.Workload.ExcludedInboundPorts.AddRange(excludedPortsOf(pod));
        return resource;
    }
}
