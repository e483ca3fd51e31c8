using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>An object of the core group that an Event is about.</summary>
/// <param name="Place">Namespace of the Event: the object's own, and for a Namespace that one itself, where its users look.</param>
/// <param name="Uid">Empty where it is not known: then all that had the name are meant.</param>
internal sealed record EventSubject(string Kind, string Place, string Name, string Uid)
{
    internal static EventSubject Namespace(string name) => new("Namespace", name, name, "");

    internal static EventSubject Pod(string ns, string name, string uid) => new("Pod", ns, name, uid);

    internal static EventSubject Of(PodObject pod) => Pod(pod.Namespace, pod.Name, pod.Uid);
}
