using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>Servers from elsewhere do not say when they serve; the kernel does.</summary>
internal static class Listening
{
    /// <summary>Starts a server inside a namespace and waits until it listens. ss(8).</summary>
    public static async Task<LabProcess> StartAsync(Cli.Lab.Lab lab, string name, Command command, string network, int port)
    {
        var server = LabProcess.Start($"{name} {network}", command.Inside(network), lab.Log);
        await lab.UntilAsync($"{name} serves in {network}", TimeSpan.FromSeconds(20), async () =>
            server.Ended.IsCompleted ? $"it has ended with exit status {await server.Ended}"
            : (await Tool.MustAsync(Command.Of("ss", "-Hltn").Inside(network))).Contains($":{port} ", StringComparison.Ordinal) ? null : "it does not yet");
        return server;
    }
}
