using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>Ends connections between hops from outside of their processes. ss(8), -K, which needs CONFIG_INET_DIAG_DESTROY and says nothing where the kernel has it not.</summary>
internal static class LinkEnds
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Ends those that a filter names, and waits until there are none.</summary>
    /// <exception cref="LabException">Some are still there: this kernel does not end them.</exception>
    public static async Task CloseAsync(Ground ground, string network, params string[] filter)
    {
        await Tool.MustAsync(Command.Of("ss", ["-HKtn", .. filter]).Inside(network));
        await ground.Lab.UntilAsync($"the links of {network} are closed", Patience, async () =>
        {
            var left = await Tool.MustAsync(Command.Of("ss", ["-Htn", "state", "established", .. filter]).Inside(network));
            return left.Length == 0 ? null : $"this kernel leaves open: {left}";
        });
    }
}
