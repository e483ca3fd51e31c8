using System.Runtime.CompilerServices;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Token buckets for cheap hostile frames, one bucket a kind. Owned by one connection; the clock is the caller's. Its
/// buckets begin full.
/// </summary>
public sealed class FloodGuard
{
    // A token a second is one of these a tick of 100 ns, so that nothing is ever rounded away.
    private const long Token = TimeSpan.TicksPerSecond;
    private const int Kinds = (int)FloodKind.ProvokedReset + 1;

    private readonly FloodLimits _limits;
    private Buckets _buckets;
    private long _filledAt;

    /// <summary>A guard with full buckets.</summary>
    /// <param name="limits">Sizes and rates.</param>
    public FloodGuard(FloodLimits limits)
    {
        _limits = limits;
        _filledAt = long.MinValue;
        for (int kind = 0; kind < Kinds; kind++)
            _buckets[kind] = Burst((FloodKind)kind);
    }

    /// <summary>Takes one token.</summary>
    /// <param name="kind">What happened.</param>
    /// <param name="nowTicks">The loop's clock: ticks of 100 ns from any origin, never going back.</param>
    /// <returns>NoError, or EnhanceYourCalm when the bucket is empty.</returns>
    public Http2ErrorCode Charge(FloodKind kind, long nowTicks)
    {
        if (nowTicks > _filledAt)
            Refill(nowTicks);
        ref long bucket = ref _buckets[(int)kind];
        if (bucket < Token)
            return Http2ErrorCode.EnhanceYourCalm;
        bucket -= Token;
        return Http2ErrorCode.NoError;
    }

    private void Refill(long nowTicks)
    {
        // A bucket that takes more than an hour to fill does not exist; the bound keeps the product below 2^63.
        long elapsed = _filledAt == long.MinValue ? 0 : Math.Min(nowTicks - _filledAt, TimeSpan.TicksPerHour);
        _filledAt = nowTicks;
        for (int kind = 0; kind < Kinds; kind++)
        {
            long filled = _buckets[kind] + elapsed * _limits.For((FloodKind)kind).PerSecond;
            _buckets[kind] = Math.Min(filled, Burst((FloodKind)kind));
        }
    }

    private long Burst(FloodKind kind) => _limits.For(kind).Burst * Token;

    [InlineArray(Kinds)]
    private struct Buckets
    {
        private long _first;
    }
}
