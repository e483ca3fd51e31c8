using System.Diagnostics.CodeAnalysis;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Sessions;

/// <summary>One version of the view, as policy asks it.</summary>
internal sealed class ViewPolicies(MeshView view) : IPolicyLookup
{
    public MeshView View => view;

    public bool TryFindPolicy(string key, [NotNullWhen(true)] out AccessPolicy? policy) => view.TryFindPolicy(key, out policy);
}
