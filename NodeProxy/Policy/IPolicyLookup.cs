using System.Diagnostics.CodeAnalysis;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>Where the policies that a workload names are found: one version of what a node knows.</summary>
public interface IPolicyLookup
{
    /// <summary>Finds a policy by its key, as <see cref="Workload.Policies"/> names it.</summary>
    bool TryFindPolicy(string key, [NotNullWhen(true)] out AccessPolicy? policy);
}
