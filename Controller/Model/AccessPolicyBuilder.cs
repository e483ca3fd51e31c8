using System.Collections.Frozen;
using System.Collections.Immutable;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Model;

/// <summary>
/// Finds out which policies select which pods, and makes them resources. A policy selects pods of its own namespace; one of
/// <see cref="MeshNamespace"/> selects pods of all namespaces.
/// </summary>
internal sealed class AccessPolicyBuilder
{
    /// <summary>Where policies for the whole mesh live.</summary>
    internal const string MeshNamespace = "ambient-system";

    private readonly ILookup<string, Merged> _byNamespace;

    /// <param name="objects">All of the source, in its order, also those that have a name in common.</param>
    /// <param name="warn">Told of policies that cannot be enforced.</param>
    internal AccessPolicyBuilder(IEnumerable<AccessPolicyObject> objects, Func<string, bool> warn)
    {
        var policies = objects
            .GroupBy(p => (p.Namespace, p.Name)).Select(same => new Merged([.. same]))
            .OrderBy(p => p.Policy.Key, StringComparer.Ordinal).ToList();
        _byNamespace = policies.ToLookup(p => p.Policy.Namespace);
        Resources = [.. policies.Select(p => ResourceWriter.Write(p.Policy))];
        foreach (var broken in policies.Where(p => p.Policy.Unenforceable is not null))
            warn($"AccessPolicy {broken.Policy.Namespace}/{broken.Policy.Name} cannot be enforced, and the pods that it selects take nothing: {broken.Policy.Unenforceable}");
    }

    /// <summary>The policies themselves.</summary>
    internal ImmutableArray<Resource> Resources { get; }

    /// <summary>What of them can select pods of a namespace.</summary>
    internal AccessSelection SelectionIn(string ns) =>
        new([.. _byNamespace[ns].Concat(ns == MeshNamespace ? [] : _byNamespace[MeshNamespace]).Select(p => (p.Policy.Key, p.Selectors))]);

    /// <summary>What goes by one name. Two of one name leave open which is meant, and either may be the one that denies.</summary>
    private sealed class Merged(ImmutableArray<AccessPolicyObject> same)
    {
        internal AccessPolicy Policy { get; } = new()
        {
            Namespace = same[0].Namespace,
            Name = same[0].Name,
            Action = same[0].Action,
            Rules = same.Length == 1 && same[0].Faults.IsEmpty ? same[0].Rules : [],
            Unenforceable = same.Length == 1 ? same[0].Unenforceable : $"{string.Join(" and ", same.Select(p => p.Place.ToString()))} have the same name",
        };

        internal ImmutableArray<LabelSelector> Selectors { get; } = [.. same.Select(p => p.Pods)];
    }
}
