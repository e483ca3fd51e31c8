using System.Text;

namespace Ambient.Protocol.Cni;

/// <summary>Redirector's answer to the CNI plugin: <c>ambient-cni/1 captured|passes|fails TEXT</c>.</summary>
/// <param name="Text">For a person: why it passes or fails.</param>
public sealed record CniAnswer(CniVerdict Verdict, string Text)
{
    public const int MaxBytes = 4096;

    private const string FirstWord = "ambient-cni/1 ";
    private const int MaxTextLength = 1000;

    /// <summary>The pod's rules are in force.</summary>
    public static CniAnswer Captured { get; } = new(CniVerdict.Captured, "");

    /// <summary>The mesh has nothing to do with it.</summary>
    public static CniAnswer Passes(string why) => new(CniVerdict.Passes, why);

    public static CniAnswer Fails(string why) => new(CniVerdict.Fails, why);

    public byte[] ToBytes() => Encoding.UTF8.GetBytes($"{FirstWord}{NameOf(Verdict)} {Text[..Math.Min(Text.Length, MaxTextLength)]}\n");

    /// <returns>Null for what is no answer of this version.</returns>
    public static CniAnswer? Read(ReadOnlySpan<byte> packet)
    {
        string text = Encoding.UTF8.GetString(packet).TrimEnd('\n');
        if (!text.StartsWith(FirstWord, StringComparison.Ordinal))
            return null;
        string[] parts = text[FirstWord.Length..].Split(' ', 2);
        string why = parts.Length > 1 ? parts[1] : "";
        return parts[0] switch
        {
            "captured" => new CniAnswer(CniVerdict.Captured, why),
            "passes" => new CniAnswer(CniVerdict.Passes, why),
            "fails" => new CniAnswer(CniVerdict.Fails, why),
            _ => null,
        };
    }

    private static string NameOf(CniVerdict verdict) => verdict switch
    {
        CniVerdict.Captured => "captured",
        CniVerdict.Passes => "passes",
        CniVerdict.Fails => "fails",
    };
}
