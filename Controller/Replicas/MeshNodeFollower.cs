using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;

namespace Ambient.Controller.Replicas;

/// <summary>
/// Follows the MeshNodes of the cluster by list and watch, and tells each status and each end. What happened while the watch was away is
/// found by listing anew.
/// </summary>
/// <param name="seen">Told of a status, which may be one that was told before.</param>
/// <param name="gone">Told of an object that is gone.</param>
internal sealed class MeshNodeFollower(Func<IKubernetes> client, Action<string, MeshNodeStatus> seen, Action<string> gone, TimeProvider time, ILogger logger)
{
    private const int PageSize = 500;
    private const int WatchSeconds = 300;
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200), LongestRetry = TimeSpan.FromSeconds(10);

    private readonly HashSet<string> _known = [];
    private string _lastFault = "";

    /// <summary>Reads all there are. Waits for the API while it is away.</summary>
    /// <returns>By name; null if the kind is not there, without which replicas do not know of one another.</returns>
    internal async Task<IReadOnlyDictionary<string, MeshNodeStatus>?> ReadAsync(CancellationToken cancellation)
    {
        for (var wait = FirstRetry; ; wait = Longer(wait))
        {
            try
            {
                return (await ListAsync(cancellation)).Nodes;
            }
            catch (ClusterException e) when (e.Status is HttpStatusCode.NotFound)
            {
                logger.JournalMissing();
                return null;
            }
            catch (ClusterException e) when (e.IsPassing)
            {
                Note(e.Message);
                await Task.Delay(wait, time, cancellation);
            }
        }
    }

    /// <summary>Follows until it is cancelled; ends without an exception then.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        var wait = FirstRetry;
        try
        {
            while (true)
            {
                try
                {
                    var version = await RelistAsync(cancellation);
                    wait = FirstRetry;
                    while (true)
                        version = await WatchAsync(version, cancellation);
                }
                // A watch is the library's own call: what the server refuses comes as its exception, and what a proxy says as no JSON.
                catch (Exception e) when (e is ClusterException or KubernetesException or HttpOperationException or HttpRequestException or IOException
                    or JsonException or TimeoutException
                    || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
                {
                    Note(e.Message);
                }
                await Task.Delay(wait * (0.5 + Random.Shared.NextDouble()), time, cancellation);
                wait = Longer(wait);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    private async Task<string> RelistAsync(CancellationToken cancellation)
    {
        var (nodes, version) = await ListAsync(cancellation);
        foreach (var name in _known.Where(n => !nodes.ContainsKey(n)).ToList())
            Gone(name);
        foreach (var (name, status) in nodes)
            Seen(name, status);
        _lastFault = "";
        return version;
    }

    private async Task<(Dictionary<string, MeshNodeStatus> Nodes, string Version)> ListAsync(CancellationToken cancellation)
    {
        var nodes = new Dictionary<string, MeshNodeStatus>();
        string? next = null;
        while (true)
        {
            var page = next;
            using var answer = await ClusterCall.Async("list MeshNodes", token => client().CustomObjects.ListClusterCustomObjectWithHttpMessagesAsync<MeshNodeList>(
                MeshNode.Group, MeshNode.Version, MeshNode.Plural, continueParameter: page, limit: PageSize, cancellationToken: token), cancellation);
            foreach (var node in answer.Body.Items)
                nodes[node.Metadata.Name] = node.Status ?? new MeshNodeStatus();
            next = answer.Body.Metadata.ContinueProperty;
            if (string.IsNullOrEmpty(next))
                return (nodes, answer.Body.Metadata.ResourceVersion);
        }
    }

    // Returns the version from which the next watch goes on, at the server's time limit.
    private async Task<string> WatchAsync(string version, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(WatchSeconds + 30), time); // a line that is dead says nothing of it
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        var changes = client().CustomObjects.WatchListClusterCustomObjectAsync(MeshNode.Group, MeshNode.Version, MeshNode.Plural, allowWatchBookmarks: true,
            resourceVersion: version, timeoutSeconds: WatchSeconds,
            onError: static fault => throw new IOException($"a watch of MeshNodes: {fault.Message}", fault), cancellationToken: either.Token);
        await foreach (var (type, item) in changes)
        {
            var node = KubernetesJson.Deserialize<MeshNode>((JsonElement)item);
            version = node.Metadata.ResourceVersion ?? version;
            if (type is WatchEventType.Added or WatchEventType.Modified)
                Seen(node.Metadata.Name, node.Status ?? new MeshNodeStatus());
            else if (type == WatchEventType.Deleted)
                Gone(node.Metadata.Name);
        }
        return version;
    }

    private void Seen(string name, MeshNodeStatus status)
    {
        _known.Add(name);
        seen(name, status);
    }

    private void Gone(string name)
    {
        _known.Remove(name);
        gone(name);
    }

    private void Note(string fault)
    {
        if (_lastFault != fault)
            logger.ClusterAway(fault);
        _lastFault = fault;
    }

    private static TimeSpan Longer(TimeSpan wait) => wait * 2 < LongestRetry ? wait * 2 : LongestRetry;
}
