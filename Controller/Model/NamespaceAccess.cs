using System.Collections.Frozen;
using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>The policies that can select pods of one namespace.</summary>
/// <param name="builder">Of the round in which they were found.</param>
/// <param name="policies">All that its answers about this namespace depend on.</param>
internal sealed class NamespaceAccess(AccessPolicyBuilder builder, ImmutableArray<AccessPolicyObject> policies)
{
    private readonly ImmutableArray<AccessPolicyObject> _policies = policies;

    internal bool IsThatOf(NamespaceAccess other) => _policies.AsSpan().SequenceEqual(other._policies.AsSpan(), ReferenceEqualityComparer.Instance);

    /// <summary>Keys of the policies that select a pod, in order.</summary>
    internal ImmutableArray<string> KeysOf(string ns, FrozenDictionary<string, string> labels) => builder.KeysOf(ns, labels);
}
