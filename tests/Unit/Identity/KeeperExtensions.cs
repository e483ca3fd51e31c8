using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;

namespace Ambient.Tests.Unit.Identity;

internal static class KeeperExtensions
{
    /// <summary>Cares for what a node needs under a view, as the session with the controller has it done.</summary>
    public static void Want(this CertificateKeeper keeper, MeshView view, string node) => keeper.Want(LocalIdentities.Of(view, node));
}
