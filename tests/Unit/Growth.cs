using System.Diagnostics;

namespace Ambient.Tests.Unit;

/// <summary>What one operation costs as something grows that must not matter to it.</summary>
internal static class Growth
{
    private const int Operations = 1_000, Rounds = 50;

    /// <summary>The best of many rounds; fails if one that is warm allocates.</summary>
    /// <returns>Nanoseconds each.</returns>
    public static double NanosecondsOf(Action<int> operation)
    {
        double best = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Operations; i++)
                operation(i);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Operations);
            if (round == Rounds - 1)
                Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
        return best;
    }

    /// <summary>
    /// Fails if the last of a curve, at n times the first's size and n at least 100, costs the root of n times what the first does and 1 us: of
    /// a scan it would be n times as much. What is allowed is for the processor's caches, which the larger structure no longer fits, and
    /// for a machine whose memory others use at the same time.
    /// </summary>
    public static void AssertFlat(IReadOnlyList<(int Size, double Nanoseconds)> curve)
    {
        double growth = (double)curve[^1].Size / curve[0].Size;
        Assert.True(growth >= 100);
        Assert.True(curve[^1].Nanoseconds < (Math.Sqrt(growth) * curve[0].Nanoseconds) + 1_000, string.Join(", ", curve));
    }

    /// <summary>The curve as docs/performance.md has it.</summary>
    public static string Line(string what, IEnumerable<(int Size, double Nanoseconds)> curve) =>
        $"{what}: {string.Join(", ", curve.Select(point => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{point.Size:N0} {point.Nanoseconds:F0} ns")))}";
}
