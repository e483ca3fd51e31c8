namespace Ambient.NodeProxy.Http2;

/// <summary>A token bucket's size and rate.</summary>
/// <param name="Burst">How many at once, from 0.</param>
/// <param name="PerSecond">How many come back each second, 0 to 1,000,000.</param>
public readonly record struct FloodBudget(int Burst, int PerSecond);
