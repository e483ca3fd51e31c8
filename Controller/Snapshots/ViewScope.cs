using System.Collections.Frozen;

namespace Ambient.Controller.Snapshots;

/// <summary>
/// Which namespaces a node is told of. Nodes that are told of the same ones share one scope object, and all that is encoded for it:
/// see <see cref="ScopeBook"/>. Immutable, compared by reference.
/// </summary>
internal sealed class ViewScope
{
    private readonly FrozenSet<string>? _namespaces;

    internal ViewScope(IEnumerable<string> namespaces) => _namespaces = namespaces.ToFrozenSet();

    private ViewScope() => _namespaces = null;

    /// <summary>All namespaces, also those that do not exist yet.</summary>
    internal static ViewScope Everything { get; } = new();

    /// <summary>What no namespace has: settings, nodes, policies for the whole mesh.</summary>
    internal static ViewScope Nothing { get; } = new([]);

    /// <param name="ns">Empty for what every node is told.</param>
    internal bool Holds(string ns) => ns.Length == 0 || _namespaces is null || _namespaces.Contains(ns);

    public override string ToString() => _namespaces is null ? "everything" : $"namespaces {string.Join(", ", _namespaces.Order(StringComparer.Ordinal))}";
}
