using System.Net;
using k8s;
using k8s.Models;

namespace Ambient.Controller.Replicas;

/// <summary>A Lease of coordination.k8s.io/v1. No call is made again within itself: the elector does that, by its own clock.</summary>
internal sealed class KubernetesLease(Func<IKubernetes> client, string @namespace, string name) : ILeaseStore
{
    /// <inheritdoc/>
    public string Name => $"{@namespace}/{name}";

    /// <inheritdoc/>
    public async Task<LeaseRecord?> ReadAsync(CancellationToken cancellation) =>
        await ClusterCall.OrNullAsync($"read Lease {Name}",
            token => client().CoordinationV1.ReadNamespacedLeaseAsync(name, @namespace, cancellationToken: token), cancellation, repeats: false) is { } lease
            ? RecordOf(lease)
            : null;

    /// <inheritdoc/>
    public async Task<LeaseRecord?> TryWriteAsync(LeaseRecord record, CancellationToken cancellation)
    {
        var lease = new V1Lease
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = @namespace, ResourceVersion = record.Version },
            Spec = new V1LeaseSpec
            {
                HolderIdentity = record.Holder,
                LeaseDurationSeconds = record.DurationSeconds,
                LeaseTransitions = record.Transitions,
                AcquireTime = record.AcquireTime,
                RenewTime = record.RenewTime,
            },
        };
        try
        {
            return RecordOf(await ClusterCall.Async($"write Lease {Name}", token => record.Version is null
                ? client().CoordinationV1.CreateNamespacedLeaseAsync(lease, @namespace, cancellationToken: token)
                : client().CoordinationV1.ReplaceNamespacedLeaseAsync(lease, name, @namespace, cancellationToken: token), cancellation, repeats: false));
        }
        catch (ClusterException e) when (e.Status == HttpStatusCode.Conflict || (e.Status == HttpStatusCode.NotFound && record.Version is not null))
        {
            return null;
        }
    }

    private static LeaseRecord RecordOf(V1Lease lease) => new(lease.Spec?.HolderIdentity ?? "", lease.Spec?.LeaseDurationSeconds ?? 0,
        lease.Spec?.LeaseTransitions ?? 0, lease.Spec?.AcquireTime, lease.Spec?.RenewTime, lease.Metadata.ResourceVersion);
}
