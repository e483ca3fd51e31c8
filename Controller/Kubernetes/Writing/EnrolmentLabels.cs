using Ambient.Controller.Model;
using Ambient.Controller.Sources;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Labels that ask for enrolment and do nothing: with a value that is neither true nor false, or on a namespace that is never enrolled.
/// </summary>
/// <param name="excluded">Namespaces that are never enrolled.</param>
internal sealed class EnrolmentLabels(IReadOnlySet<string> excluded)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SourceObject, Trouble> _namespaces = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<PodObject> _pods = new(ReferenceEqualityComparer.Instance);

    /// <summary>Those of now. Pods by their namespace and value, since whoever labels one so labels all of a Deployment.</summary>
    internal IReadOnlyCollection<Trouble> Troubles
    {
        get
        {
            lock (_lock)
                return [.. _namespaces.Values, .. _pods.GroupBy(pod => (pod.Namespace, Value: pod.Labels[ModelBuilder.EnrolLabel])).Select(group => OfPods(group.Key.Namespace, group.Key.Value, [.. group]))];
        }
    }

    /// <summary>Takes what the source published. For the source's thread.</summary>
    internal void Take(SourceChange change)
    {
        lock (_lock)
        {
            foreach (var gone in change.Removed)
            {
                _namespaces.Remove(gone);
                if (gone is PodObject pod)
                    _pods.Remove(pod);
            }
            foreach (var come in change.Added)
            {
                if (come is PodObject { IsFinished: false } pod && pod.Labels.TryGetValue(ModelBuilder.EnrolLabel, out var value) && value is not ("true" or "false"))
                    _pods.Add(pod);
                else if (come is NamespaceObject ns && TroubleOf(ns) is { } trouble)
                    _namespaces.Add(ns, trouble);
            }
        }
    }

    private Trouble? TroubleOf(NamespaceObject ns) => ns.Labels.GetValueOrDefault(ModelBuilder.EnrolLabel) switch
    {
        null or "false" => null,
        "true" => !excluded.Contains(ns.Name) ? null : Of(ns.Name, $"label {ModelBuilder.EnrolLabel} is ignored: namespace {ns.Name} is never enrolled, "
            + (ExcludedNamespaces.Always.Contains(ns.Name) ? "since capturing its pods could cut the parts that capture" : "by the mesh's --excluded-namespaces"), "never"),
        var value => Of(ns.Name, Unusable(value), $"namespace {value}"),
    };

    // Without the count in its key: it is told once, whatever pods come and go.
    private static Trouble OfPods(string ns, string value, IReadOnlyCollection<PodObject> pods) => Of(ns,
        $"{Unusable(value)} (on {(pods.Count == 1 ? "pod" : $"{pods.Count} pods, the first")} {pods.Min(pod => pod.Name)})", $"pods {value}");

    private static Trouble Of(string ns, string note, string key) => Trouble.OfLabel(EventSubject.Namespace(ns), note, key);

    private static string Unusable(string value) => $"label {ModelBuilder.EnrolLabel}={value} is ignored: expected true or false";
}
