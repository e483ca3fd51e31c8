namespace Ambient.NodeProxy.Admin;

/// <summary>Knows the connections that the node carries.</summary>
public interface IConnectionLister
{
    /// <summary>Lists connections.</summary>
    /// <param name="limit">At most about so many.</param>
    /// <param name="cancellation">The asker has gone.</param>
    Task<IReadOnlyList<ConnectionListing>> ListAsync(int limit, CancellationToken cancellation);
}
