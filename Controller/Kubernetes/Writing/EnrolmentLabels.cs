using Ambient.Controller.Model;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Labels that ask for enrolment and do nothing: with a value that is neither true nor false, or on a namespace that is never enrolled.
/// </summary>
internal sealed class EnrolmentLabels
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SourceObject, Trouble> _troubles = new(ReferenceEqualityComparer.Instance);

    /// <summary>Those of now.</summary>
    internal IReadOnlyCollection<Trouble> Troubles
    {
        get
        {
            lock (_lock)
                return [.. _troubles.Values];
        }
    }

    /// <summary>Takes what the source published. For the source's thread.</summary>
    internal void Take(SourceChange change)
    {
        lock (_lock)
        {
            foreach (var gone in change.Removed)
                _troubles.Remove(gone);
            foreach (var come in change.Added)
            {
                if (TroubleOf(come) is { } trouble)
                    _troubles.Add(come, trouble);
            }
        }
    }

    private static Trouble? TroubleOf(SourceObject item) => item switch
    {
        NamespaceObject ns when ns.Labels.TryGetValue(ModelBuilder.EnrolLabel, out var value) => value switch
        {
            "false" => null,
            "true" => PodBuilder.MayEnrol(ns.Name) ? null
                : Trouble.OfLabel(EventSubject.Namespace(ns.Name), $"label {ModelBuilder.EnrolLabel} is ignored: namespace {ns.Name} is never enrolled, since capturing its pods could cut the parts that capture"),
            _ => Trouble.OfLabel(EventSubject.Namespace(ns.Name), Unusable(value)),
        },
        PodObject pod when pod.Labels.TryGetValue(ModelBuilder.EnrolLabel, out var value) && value is not ("true" or "false") =>
            Trouble.OfLabel(EventSubject.Of(pod), Unusable(value)),
        _ => null,
    };

    private static string Unusable(string value) => $"label {ModelBuilder.EnrolLabel}={value} is ignored: expected true or false";
}
