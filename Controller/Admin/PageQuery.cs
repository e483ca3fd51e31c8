using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Ambient.Controller.Admin;

/// <summary>
/// Which part of a list somebody asks for: <c>?namespace=NAME&amp;limit=N&amp;continue=TOKEN</c>. A token names the last item of the page
/// before, so that a list which changes meanwhile loses and repeats nothing that stays.
/// </summary>
/// <param name="Namespace">Null for all.</param>
/// <param name="Limit">Most items of the page; <see cref="int.MaxValue"/> where none was asked for.</param>
/// <param name="After">Key of the last item of the page before; empty for the first page.</param>
internal sealed record PageQuery(string? Namespace, int Limit, string After)
{
    internal const int MaxLimit = 5000;

    private const int MaxTokenLength = 1024;

    /// <summary>All of a list.</summary>
    internal static PageQuery All { get; } = new(null, int.MaxValue, "");

    /// <summary>Reads what was asked.</summary>
    /// <param name="hasNamespaces">Whether the list is of things in namespaces.</param>
    /// <param name="fault">What is wrong with it, for a person.</param>
    /// <returns>Null if it makes no sense.</returns>
    internal static PageQuery? TryRead(IQueryCollection query, bool hasNamespaces, out string fault)
    {
        fault = "";
        var (ns, limit, token) = (query["namespace"].ToString(), query["limit"].ToString(), query["continue"].ToString());
        var known = hasNamespaces ? (string[])["namespace", "limit", "continue"] : ["limit", "continue"];
        var (most, after) = (int.MaxValue, "");
        if (query.Keys.FirstOrDefault(k => !known.Contains(k)) is not null)
            fault = $"expected no parameters but {string.Join(", ", known)}";
        else if (ns.Length > 63 || ns.Any(c => c is not (>= 'a' and <= 'z' or >= '0' and <= '9' or '-')))
            fault = "namespace: expected the name of a namespace";
        else if (limit.Length > 0 && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is < 1 or > MaxLimit))
            fault = $"limit: expected a number from 1 to {MaxLimit}";
        else if (token.Length > 0 && !TryDecode(token, out after))
            fault = "continue: expected what the page before said";
        return fault.Length > 0 ? null : new PageQuery(ns.Length > 0 ? ns : null, most, after);
    }

    /// <summary>The page's part of a list.</summary>
    /// <param name="keyOf">Of an item, never twice the same in the list.</param>
    /// <param name="next">The token of the page that follows; null if this is the last.</param>
    internal ImmutableArray<T> Of<T>(IEnumerable<T> items, Func<T, string> keyOf, out string? next)
    {
        var left = items.Select(item => (Key: keyOf(item), Item: item)).Where(i => string.CompareOrdinal(i.Key, After) > 0)
            .OrderBy(i => i.Key, StringComparer.Ordinal);
        if (Limit == int.MaxValue)
        {
            next = null;
            return [.. left.Select(i => i.Item)];
        }
        var page = left.Take(Limit + 1).ToList();
        next = page.Count > Limit ? Base64Url.EncodeToString(Encoding.UTF8.GetBytes(page[Limit - 1].Key)) : null;
        return [.. page.Take(Limit).Select(i => i.Item)];
    }

    private static bool TryDecode(string token, out string after)
    {
        after = "";
        if (token.Length > MaxTokenLength || !Base64Url.IsValid(token))
            return false;
        after = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token));
        return after.Length > 0;
    }
}
