using Ambient.Native.Namespaces;

namespace Ambient.Redirector.Rules;

/// <summary>
/// What a ruleset looks like in a listing. It is loaded once into a namespace that nobody else knows, so that nobody can change it
/// between loading and listing; what a pod's namespace lists is compared with that. Any thread.
/// </summary>
internal sealed class RulesBaseline(NftTool nft)
{
    // One text for pods without exclusions, the quiet one, and one for each combination of exclusions in use.
    private const int MaxKept = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _listings = new(StringComparer.Ordinal);

    /// <summary>The listing of a ruleset in force.</summary>
    /// <exception cref="RulesException">It cannot be loaded even there.</exception>
    public string ListingOf(Ruleset ruleset, NamespaceEntry entry)
    {
        lock (_lock)
            if (_listings.TryGetValue(ruleset.Text, out string? known))
                return known;
        using var scratch = entry.CreateNamespace();
        string listing = entry.Run(scratch, () =>
        {
            nft.Load(ruleset.Text);
            return nft.List();
        });
        lock (_lock)
        {
            if (_listings.Count >= MaxKept)
                _listings.Clear();
            _listings[ruleset.Text] = listing;
        }
        return listing;
    }
}
