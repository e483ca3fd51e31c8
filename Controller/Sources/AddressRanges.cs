using System.Net;

namespace Ambient.Controller.Sources;

/// <summary>Reads address ranges as people write them.</summary>
internal static class AddressRanges
{
    /// <summary>Reads <c>10.1.0.0/16</c> or <c>fd00::/48</c>. Bits behind the prefix are refused: whoever wrote them meant something else.</summary>
    internal static bool TryParse(string text, out IPNetwork range)
    {
        // IPNetwork clears the bits behind the prefix without a word.
        range = default;
        return text.IndexOf('/') is > 0 and var slash
            && IPNetwork.TryParse(text, out range)
            && IPAddress.TryParse(text.AsSpan(0, slash), out var written)
            && written.Equals(range.BaseAddress);
    }
}
