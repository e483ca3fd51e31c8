namespace Ambient.Controller.Snapshots;

/// <summary>The scopes that are in use: one object for one set of namespaces. Owned by whoever holds its lock.</summary>
internal sealed class ScopeBook
{
    private readonly Dictionary<string, WeakReference<ViewScope>> _scopes = [];

    internal ViewScope Of(IEnumerable<string> namespaces)
    {
        string[] names = [.. namespaces.Distinct().Order(StringComparer.Ordinal)];
        if (names.Length == 0)
            return ViewScope.Nothing;
        var content = string.Join('/', names);   // which no name of a namespace contains
        if (_scopes.TryGetValue(content, out var known) && known.TryGetTarget(out var scope))
            return scope;
        foreach (var (gone, _) in _scopes.Where(s => !s.Value.TryGetTarget(out _)).ToList())
            _scopes.Remove(gone);
        _scopes[content] = new WeakReference<ViewScope>(scope = new ViewScope(names));
        return scope;
    }
}
