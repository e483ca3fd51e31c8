using System.Collections.Concurrent;
using Ambient.Controller.Authority;
using Ambient.Controller.Replicas;
using Grpc.Core;
using k8s;

namespace Ambient.Controller.Streams;

/// <summary>
/// Ends the streams whose token's pod is gone: a token that was carried off is good for nothing once its pod has ended. The source says
/// which pods there are; one that it does not know is asked about. While the API is away, streams go on.
/// </summary>
/// <param name="placeOf">The node of a pod by its UID, as far as the source knows; null if it does not.</param>
internal sealed class PodVigil(Func<IKubernetes> client, Func<string, string?> placeOf, TimeProvider time, ILogger logger)
{
    /// <summary>How often it looks.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<NodeSession, BoundPod> _streams = new();

    internal void Follow(NodeSession session, BoundPod pod) => _streams[session] = pod;

    internal void Forget(NodeSession session) => _streams.TryRemove(session, out _);

    /// <summary>Looks until it is cancelled; ends without an exception then.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                await LookAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    /// <summary>Looks once.</summary>
    internal async Task LookAsync(CancellationToken cancellation)
    {
        foreach (var (session, pod) in _streams.Where(s => placeOf(s.Value.Uid) is null))
        {
            try
            {
                var found = await ClusterCall.OrNullAsync($"read Pod {pod.Namespace}/{pod.Name}",
                    token => client().CoreV1.ReadNamespacedPodAsync(pod.Name, pod.Namespace, cancellationToken: token), cancellation);
                if (found?.Metadata.Uid != pod.Uid)
                    session.End(StatusCode.Unauthenticated, $"the pod of this stream's token, {pod.Namespace}/{pod.Name}, is gone");
            }
            catch (ClusterException e)
            {
                logger.TokenNotReviewed(e.Message);
                return;
            }
        }
    }
}
