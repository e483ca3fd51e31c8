using System.Globalization;
using System.Text;

namespace Ambient.Cli.App;

/// <summary>
/// Bytes that tell for each position what must stand there, so that a lost, doubled or swapped piece shows; and text that a packet
/// capture can be searched for. The period is odd, so that pieces of the usual sizes never fall on the same place again.
/// </summary>
internal sealed class Pattern
{
    private const int Period = 65_537;

    // One period and as much again, so that any window of a period is contiguous.
    private readonly byte[] _bytes = new byte[2 * Period];

    /// <summary>Makes the pattern of a seed.</summary>
    public Pattern(ulong seed)
    {
        Seed = seed;
        Marker = string.Create(CultureInfo.InvariantCulture, $"ambient-payload-{seed:x16}");
        var text = new StringBuilder(Period + 64);
        for (var line = 0; text.Length < Period; line++) text.Append(CultureInfo.InvariantCulture, $"{Marker} {line:x4}\n");
        Encoding.ASCII.GetBytes(text.ToString().AsSpan(0, Period), _bytes);
        _bytes.AsSpan(0, Period).CopyTo(_bytes.AsSpan(Period));
    }

    /// <summary>Names the pattern to the other side.</summary>
    public ulong Seed { get; }

    /// <summary>Stands in every 40 bytes of it.</summary>
    public string Marker { get; }

    /// <summary>The bytes from a position on; as many as there are in a row, at most <paramref name="most"/>, at least one.</summary>
    public ReadOnlyMemory<byte> From(long position, long most) => _bytes.AsMemory((int)(position % Period), (int)Math.Min(most, Period));

    /// <summary>Whether these are the bytes that stand at that position.</summary>
    public bool Matches(long position, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var expected = From(position, bytes.Length).Span;
            if (!bytes[..expected.Length].SequenceEqual(expected)) return false;
            bytes = bytes[expected.Length..];
            position += expected.Length;
        }
        return true;
    }
}
