namespace Ambient.Protocol.Model;

/// <summary>
/// Makes equal values that were read one by one into one object: namespaces, nodes, ports, and what the pods of a deployment have in
/// common stand in thousands of resources. It only ever saves memory: nothing depends on two equal values being one. Any thread.
/// </summary>
public sealed class SharedValues
{
    // Beyond that all is forgotten, and shared anew among what comes later: names that are no longer used must not pile up. 65,536
    // suffice for a mesh of some 20,000 deployments and take 4 MB at the most.
    private const int Most = 65_536;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);
    private readonly HashSet<WorkloadTraits> _traits = [];
    private readonly HashSet<EndpointPorts> _ports = [];

    internal string Of(string text)
    {
        if (text.Length == 0)
            return "";
        lock (_lock)
            return Of(_texts, text);
    }

    internal WorkloadTraits Of(WorkloadTraits traits)
    {
        lock (_lock)
            return _traits.TryGetValue(traits, out WorkloadTraits? known) ? known : Of(_traits, WithSharedTexts(traits));
    }

    internal EndpointPorts Of(EndpointPorts ports)
    {
        lock (_lock)
            return Of(_ports, ports);
    }

    private static T Of<T>(HashSet<T> all, T value)
    {
        if (all.TryGetValue(value, out T? known))
            return known;
        if (all.Count >= Most)
            all.Clear();
        all.Add(value);
        return value;
    }

    private WorkloadTraits WithSharedTexts(WorkloadTraits traits) => traits with
    {
        Namespace = Of(_texts, traits.Namespace),
        ServiceAccount = Of(_texts, traits.ServiceAccount),
        WorkloadName = Of(_texts, traits.WorkloadName),
        Capabilities = [.. traits.Capabilities.Select(text => Of(_texts, text))],
        Policies = [.. traits.Policies.Select(text => Of(_texts, text))],
    };
}
