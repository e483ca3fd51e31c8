using System.Security.Cryptography;
using System.Text;
using Ambient.Controller.Replicas;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>Something of an object that is not as its owner asked for, to be told by an Event.</summary>
/// <param name="Word">The Event's reason: a word in CamelCase.</param>
/// <param name="Action">What could not be done: a word in CamelCase.</param>
/// <param name="Note">For a person.</param>
/// <param name="Key">What tells it from another trouble of the same subject and word: with another key it is told again.</param>
internal sealed record Trouble(EventSubject Subject, string Word, string Action, string Note, string Key)
{
    /// <summary>Word for a pod that was captured and no longer is.</summary>
    internal const string CaptureLost = "CaptureLost";

    /// <summary>How far it has spread: at a higher one than was told while it lasts, it is told again.</summary>
    internal int Level { get; init; }

    /// <summary>Name of its Event: the same from whichever replica, so that it is told once.</summary>
    internal string EventName =>
        $"{(Subject.Name.Length > 200 ? Subject.Name[..200] : Subject.Name).TrimEnd('.', '-')}.{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Subject.Uid}\n{Word}\n{Key}\n{Level}")))[..16]}";

    /// <summary>A pod could not be captured, or no longer is.</summary>
    /// <param name="wasEnrolled">It was captured before.</param>
    /// <param name="reason">What its node says, for a person.</param>
    internal static Trouble OfPod(EventSubject pod, string node, bool wasEnrolled, string reason) => new(pod, wasEnrolled ? CaptureLost : "EnrolmentFailed", "Capture",
        $"the mesh {(wasEnrolled ? "no longer captures" : "cannot capture")} this pod (node {node}): {reason}", reason);

    /// <summary>A namespace asks for the mesh's roots, and has a ConfigMap of that name already.</summary>
    internal static Trouble OfTrust(ForeignTrustMap map) => new(new EventSubject("ConfigMap", map.Namespace, TrustPublisher.ConfigMapName, map.Uid), "TrustBundleNotPublished", "Publish",
        $"the namespace asks for the mesh's roots by label {TrustPublisher.Label}, but this ConfigMap {(map.Mesh is { } mesh ? $"is of the mesh in namespace {mesh}" : "was not made by the mesh")} and is left as it is: remove it or the label",
        map.Mesh ?? "");

    /// <summary>The label by which an object would be enrolled does nothing.</summary>
    /// <param name="key">What tells it from others of the same subject.</param>
    internal static Trouble OfLabel(EventSubject subject, string note, string key) => new(subject, "EnrolmentLabelIgnored", "Enrol", note, key);
}
