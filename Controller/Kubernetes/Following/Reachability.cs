using Ambient.Controller.Kubernetes.Access;

namespace Ambient.Controller.Kubernetes.Following;

/// <summary>Whether the API server can be reached, said once for all followers of it. For any thread.</summary>
internal sealed class Reachability(ApiConnection connection, ILogger logger)
{
    private readonly Lock _lock = new();
    // What was said since it answered last: each trouble once, a few at most.
    private readonly HashSet<string> _said = [];
    private const int MostSaid = 8;

    internal void Answered()
    {
        lock (_lock)
        {
            if (_said.Count > 0)
                logger.ApiBack(connection.Name);
            _said.Clear();
        }
    }

    /// <param name="what">What was asked for; of those who meet the same trouble only the first is named.</param>
    internal void Failed(string what, string reason)
    {
        lock (_lock)
        {
            if (_said.Count < MostSaid && _said.Add(reason))
                logger.SourceUnreachable(connection.Name, $"{what}: {reason}");
        }
    }
}
