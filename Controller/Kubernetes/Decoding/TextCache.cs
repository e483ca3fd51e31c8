using System.Text;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>
/// Gives equal texts as one string where it can: labels, node names and the like are a few thousand texts in a hundred thousand pods.
/// Of a fixed size; a text that falls on another's place takes it. Owned by one thread.
/// </summary>
internal sealed class TextCache
{
    /// <summary>Longer texts are mostly met once.</summary>
    internal const int MaxLength = 128;

    private const int Places = 1 << 14;
    private readonly string?[] _places = new string?[Places];

    internal string Of(ReadOnlySpan<byte> utf8)
    {
        Span<char> text = stackalloc char[MaxLength];
        if (utf8.Length > MaxLength)
            return Encoding.UTF8.GetString(utf8);
        var length = Encoding.UTF8.GetChars(utf8, text);
        ReadOnlySpan<char> found = text[..length];
        ref var place = ref _places[string.GetHashCode(found) & (Places - 1)];
        if (place is not null && found.SequenceEqual(place))
            return place;
        return place = found.ToString();
    }
}
