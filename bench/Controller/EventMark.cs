using System.Diagnostics;
using System.Globalization;

namespace Ambient.Bench.Controller;

/// <summary>
/// A mark that travels in a changed resource and says when the change happened, by the machine's monotonic clock, which all processes share:
/// <c>@@</c> and sixteen hexadecimal digits.
/// </summary>
internal static class EventMark
{
    internal const int Length = 18;

    internal static ReadOnlySpan<byte> Beginning => "@@"u8;

    internal static string At(long timestamp) => string.Create(CultureInfo.InvariantCulture, $"@@{timestamp:x16}");

    /// <summary>Reads what follows the beginning.</summary>
    /// <returns>How long ago it was.</returns>
    internal static TimeSpan? AgeOf(ReadOnlySpan<byte> digits) =>
        long.TryParse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var timestamp) ? Stopwatch.GetElapsedTime(timestamp) : null;
}
