namespace Ambient.Bench.Controller;

/// <summary>How large the simulated cluster is. Issue 6 names the full one.</summary>
/// <param name="Slices">Each of 100 endpoint addresses; as many as services.</param>
internal sealed record ClusterSize(int Nodes, int Pods, int Slices)
{
    internal const int AddressesPerSlice = 100;
    internal const int PodsPerNamespace = 1_000;

    /// <summary>10,000 nodes, 100,000 pods, 10,000 services, 1,000,000 endpoint addresses.</summary>
    internal static ClusterSize Full { get; } = new(10_000, 100_000, 10_000);

    /// <summary>The same nodes with a tenth of all else: what ten thousand nodes cost, without waiting for as many full views of a million addresses.</summary>
    internal static ClusterSize Tenth { get; } = new(10_000, 10_000, 1_000);

    /// <summary>A hundredth: shows that it works, measures nothing.</summary>
    internal static ClusterSize Small { get; } = new(100, 1_000, 100);

    internal int Namespaces => Math.Max(1, Pods / PodsPerNamespace);

    internal int Addresses => Slices * AddressesPerSlice;
}
