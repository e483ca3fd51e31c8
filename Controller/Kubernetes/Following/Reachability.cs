using Ambient.Controller.Kubernetes.Access;

namespace Ambient.Controller.Kubernetes.Following;

/// <summary>Whether the API server can be reached, said once for all followers of it. For any thread.</summary>
internal sealed class Reachability(ApiConnection connection, ILogger logger)
{
    private readonly Lock _lock = new();
    private bool _isAway;

    internal void Answered()
    {
        lock (_lock)
        {
            if (_isAway)
                logger.ApiBack(connection.Name);
            _isAway = false;
        }
    }

    internal void Failed(string reason)
    {
        lock (_lock)
        {
            if (!_isAway)
                logger.SourceUnreachable(connection.Name, reason);
            _isAway = true;
        }
    }
}
