using System.Globalization;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>
/// A pod's share among the endpoints of its services. Kubernetes has no word for one, so a pod says it itself:
/// <c>ambient.mesh/weight: "3"</c> takes three times what a pod without the annotation takes.
/// </summary>
internal static class EndpointWeight
{
    internal const string Annotation = "ambient.mesh/weight";

    // The node draws evenly and keeps a draw by weight: beyond that range a light endpoint would hardly ever be drawn.
    private const int Most = 1000;

    /// <param name="warn">Told of a value that is no weight: the pod counts as one without.</param>
    internal static uint Of(PodObject pod, Func<string, bool> warn)
    {
        if (!pod.Annotations.TryGetValue(Annotation, out var text))
            return 1;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var weight) && weight is >= 1 and <= Most)
            return (uint)weight;
        warn($"{pod}: annotation {Annotation}: expected a number from 1 to {Most}: the weight is 1");
        return 1;
    }
}
