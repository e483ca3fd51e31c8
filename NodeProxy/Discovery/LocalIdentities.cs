using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Discovery;

/// <summary>Which identities a node needs certificates for.</summary>
internal static class LocalIdentities
{
    /// <summary>Those of the node's pods that are in the mesh, on their way into it or out of it.</summary>
    public static IReadOnlySet<SpiffeId> Of(MeshView view, string node)
    {
        var identities = new HashSet<SpiffeId>();
        foreach (Workload pod in view.WorkloadsOn(node))
        {
            if (pod.Enrolment != Enrolment.None && !pod.HostNetwork)
                identities.Add(pod.IdentityIn(view.Settings.TrustDomain));
        }
        return identities;
    }
}
