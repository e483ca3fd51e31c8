using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>
/// Keeps the model over a bug: objects that we cannot make sense of must not end the process, and what was left half done is not built
/// upon. Owned by one thread.
/// </summary>
/// <param name="defaultTrustDomain">Used where no MeshConfig names one.</param>
/// <param name="excluded">Namespaces that are never enrolled.</param>
internal sealed class ModelKeeper(string defaultTrustDomain, IReadOnlySet<string> excluded)
{
    private readonly HashSet<SourceObject> _objects = new(ReferenceEqualityComparer.Instance);
    private ModelBuilder? _builder;
    private MeshModel? _last;

    internal int Objects => _objects.Count;

    /// <summary>The model after a change of the source.</summary>
    /// <exception cref="Exception">A bug: the model before stays in force. What follows makes one of all objects.</exception>
    internal MeshModel Apply(SourceChange change)
    {
        _objects.ExceptWith(change.Removed);
        _objects.UnionWith(change.Added);
        return Build(change);
    }

    /// <summary>After a bug: the model of all objects, made without what it left behind.</summary>
    /// <param name="change">What <see cref="Apply"/> was given last.</param>
    /// <exception cref="Exception">A bug, which was not about the change.</exception>
    internal MeshModel Anew(SourceChange change) => Build(change);

    private MeshModel Build(SourceChange change)
    {
        var builder = _builder ?? new ModelBuilder(defaultTrustDomain, excluded);
        var isWhole = _builder is null;
        _builder = null;
        var model = builder.Apply(isWhole ? change with { Added = [.. _objects], Removed = [] } : change);
        if (isWhole && _last is not null)
            model = model with { Change = ModelChange.Between(_last, model) };
        _builder = builder;
        return _last = model;
    }
}
