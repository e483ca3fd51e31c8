namespace Ambient.NodeProxy.Admin;

/// <summary>Knows whether the node can serve.</summary>
public interface IReadinessSource
{
    /// <summary>Everything the node needs to serve, there or not. The node is ready when all of it is.</summary>
    IReadOnlyList<Readiness> Check();
}
