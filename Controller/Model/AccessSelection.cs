using System.Collections.Frozen;
using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>Which access policies select which pods of one namespace. Says nothing of what the policies do.</summary>
/// <param name="policies">By key, with what selects pods for each; any of them is enough.</param>
internal sealed class AccessSelection(ImmutableArray<(string Key, ImmutableArray<LabelSelector> Selectors)> policies)
{
    /// <summary>Two selections of the same content are one: an edit of rules leaves the pods as they are.</summary>
    private readonly string _content = string.Join('\n', policies.Select(policy => $"{policy.Key}: {string.Join(" or ", policy.Selectors.Select(selector => selector.Content))}"));

    internal bool SelectsAs(AccessSelection other) => _content == other._content;

    /// <summary>Keys of the policies that select a pod, in order.</summary>
    internal ImmutableArray<string> KeysOf(FrozenDictionary<string, string> labels) =>
        [.. policies.Where(policy => policy.Selectors.Any(selector => selector.Selects(labels))).Select(policy => policy.Key).Order(StringComparer.Ordinal)];
}
