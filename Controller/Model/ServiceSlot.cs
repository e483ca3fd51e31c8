using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>All that concerns one service while the model is made: the service itself, if it is there, and slices that name it. Owned by one thread.</summary>
internal sealed class ServiceSlot(string ns, string name)
{
    internal string Namespace => ns;

    internal string Name => name;

    internal (string Namespace, string Name) Key => (ns, name);

    /// <summary>Null while only slices name it.</summary>
    internal ServiceObject? Service { get; set; }

    internal List<EndpointSliceObject> Slices { get; } = [];

    /// <summary>What was made of it last; null if nothing was.</summary>
    internal PlacedService? Placed { get; set; }

    /// <summary>The service or what of its addresses is its own has changed, not only its endpoints.</summary>
    internal bool IsDirty { get; set; }

    /// <summary>Endpoints of it stand in the zone of their node, since their slice names none.</summary>
    internal bool NeedsZones { get; set; }

    /// <summary>Pods that its slices name and that are not there, or not at that address.</summary>
    internal List<(string Namespace, string Name)> Missing { get; } = [];

    /// <summary>Endpoints are found by its selector, since no slice tells them.</summary>
    internal LabelSelector? Selector => Slices.Count == 0 && Service?.Selector is { Count: > 0 } labels ? new LabelSelector(labels, []) : null;

    internal bool IsEmpty => Service is null && Slices.Count == 0;
}
