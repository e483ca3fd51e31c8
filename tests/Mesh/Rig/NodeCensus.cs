using System.Globalization;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>What a NodeProxy holds and has used, as the kernel counts it. proc(5).</summary>
/// <param name="Descriptors">Open descriptors.</param>
/// <param name="PssKilobytes">Memory, with its share of what it shares with others.</param>
/// <param name="Cpu">Time on the processor, in user and kernel mode.</param>
/// <param name="OpenConnections">What it says itself that it carries.</param>
internal sealed record NodeCensus(int Descriptors, long PssKilobytes, TimeSpan Cpu, double OpenConnections)
{
    private const int TicksPerSecond = 100;   // sysconf(_SC_CLK_TCK); the same on every Linux that .NET runs on

    /// <summary>Both nodes of the lab together.</summary>
    public static async Task<NodeCensus> TakeAsync(Lab lab)
    {
        var (descriptors, pss, cpu) = (0, 0L, TimeSpan.Zero);
        foreach (var node in lab.Nodes)
        {
            var process = $"/proc/{node.NodeProxy.Current!.Id}";
            descriptors += Directory.EnumerateFileSystemEntries($"{process}/fd").Count();
            pss += long.Parse((await File.ReadAllLinesAsync($"{process}/smaps_rollup")).Single(line => line.StartsWith("Pss:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            // The name before it may have blanks; fields 14 and 15 of the whole are user and system time.
            var fields = (await File.ReadAllTextAsync($"{process}/stat")).Split(") ")[^1].Split(' ');
            cpu += TimeSpan.FromSeconds((double)(long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
        }
        return new NodeCensus(descriptors, pss, cpu, (await lab.MetricsAsync()).Sum("ambient_node_open_connections"));
    }

    /// <summary>Waits until no connection is carried any more.</summary>
    public static async Task<NodeCensus> AtRestAsync(Lab lab)
    {
        NodeCensus? census = null;
        await lab.UntilAsync("no connection is open", TimeSpan.FromSeconds(30), async () =>
        {
            census = await TakeAsync(lab);
            return census.OpenConnections == 0 ? null : $"{census.OpenConnections} are";
        });
        return census!;
    }
}
