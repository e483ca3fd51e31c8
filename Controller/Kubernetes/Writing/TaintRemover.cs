using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Takes the start-up taint from a node whose canary has proved it, so that pods are placed there. Everything else of the node is left
/// as it is: the change counts only for the very version of the node that was looked at.
/// </summary>
internal sealed class TaintRemover(ApiWriter writer, TimeProvider time, ILogger logger)
{
    /// <summary>What new nodes carry until then.</summary>
    internal const string Taint = "ambient.mesh/not-ready";

    private readonly Lock _lock = new();
    private readonly HashSet<string> _done = [];
    private readonly Rests<string> _rests = new(TimeSpan.FromSeconds(10), time);

    /// <summary>A node that was made anew, or changed, may have the taint again.</summary>
    internal void Take(SourceChange change)
    {
        lock (_lock)
            _done.ExceptWith(change.Added.Concat(change.Removed).OfType<NodeObject>().Select(node => node.Name));
    }

    /// <summary>A new term: what another replica did is not known.</summary>
    internal void BeginTerm()
    {
        lock (_lock)
            _done.Clear();
    }

    /// <param name="healthy">Nodes that have proved themselves, and the boot id of the kernel that they did it on.</param>
    /// <inheritdoc cref="ConditionWriter.WriteAsync(CancellationToken)"/>
    internal async Task WriteAsync(IReadOnlyDictionary<string, string> healthy, CancellationToken cancellation)
    {
        List<string> due;
        lock (_lock)
        {
            // One that is ill and comes well again is looked at again.
            _done.IntersectWith(healthy.Keys);
            _rests.RetainOnly(healthy.Keys.ToHashSet());
            due = [.. healthy.Keys.Except(_done).Where(node => !_rests.Has(node))];
        }
        var refusals = 0;
        foreach (var node in due)
        {
            try
            {
                if (!await TryRemoveAsync(node, healthy[node], cancellation))
                    continue;
            }
            catch (ApiRefusal e) when (e.Status == HttpStatusCode.NotFound)
            {
                // There is no such node any more.
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity)
            {
                // Somebody else wrote it meanwhile: it is looked at again with the next round.
                continue;
            }
            catch (ApiRefusal e) when (e.IsOfOneObject && refusals < Rests.MostRefusals)
            {
                // A policy of the cluster about this one node, say: the others need not wait for it.
                refusals++;
                if (_rests.Add(node))
                    logger.WriteRefused($"Node {node}", e.Message);
                continue;
            }
            lock (_lock)
                _done.Add(node);
            _rests.Remove(node);
        }
    }

    /// <returns>False if it was proved before the machine was started again: it is looked at again with the next round.</returns>
    private async Task<bool> TryRemoveAsync(string node, string bootId, CancellationToken cancellation)
    {
        var path = $"/api/v1/nodes/{node}";
        var now = await writer.GetAsync(path, cancellation);
        if (now["spec"]?["taints"] is not JsonArray taints || !taints.Any(taint => (string?)taint?["key"] == Taint))
            return true;
        if (!string.Equals((string?)now["status"]?["nodeInfo"]?["bootID"], bootId, StringComparison.OrdinalIgnoreCase))
            return false;
        var rest = new JsonArray([.. taints.Where(taint => (string?)taint?["key"] != Taint).Select(taint => taint!.DeepClone())]);
        await writer.PatchAsync(path,
        [
            new JsonObject { ["op"] = "test", ["path"] = "/metadata/resourceVersion", ["value"] = (string)now["metadata"]!["resourceVersion"]! },
            rest.Count > 0
                ? new JsonObject { ["op"] = "replace", ["path"] = "/spec/taints", ["value"] = rest }
                : new JsonObject { ["op"] = "remove", ["path"] = "/spec/taints" },
        ], cancellation);
        logger.NodeTaintRemoved(node);
        return true;
    }
}
