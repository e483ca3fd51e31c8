using System.Diagnostics;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Demo;

/// <summary>The demo's key x: a command line of the user, run by a shell inside a pod's network.</summary>
internal static class PodCommand
{
    /// <summary>Asks for pod and command, runs it, and waits until it was read.</summary>
    public static async Task AskAsync(LabPlan plan)
    {
        Console.WriteLine($"Pods: {string.Join(' ', plan.Pods.Select(pod => pod.Name))} {Topology.Outside}. Services: {string.Join(' ', plan.Services.Select(service => $"{service.Name}={service.V4}:{service.Port}"))}.");
        var first = plan.Pods[0].Name;
        Console.Write($"Pod [{first}]: ");
        var name = Console.ReadLine()?.Trim() is { Length: > 0 } typed ? typed : first;
        var network = name == Topology.Outside ? name : plan.Pods.FirstOrDefault(pod => pod.Name == name)?.Network;
        if (network is null)
        {
            Console.WriteLine($"There is no pod {name}.");
        }
        else
        {
            Console.Write($"{name}$ ");
            if (Console.ReadLine() is { Length: > 0 } line) await RunAsync(network, line);
        }
        Console.Write("[Enter] back to the table ");
        Console.ReadLine();
    }

    // With the terminal as it is: the command may be one that talks to its user.
    private static async Task RunAsync(string network, string line)
    {
        var command = Command.Of(Environment.GetEnvironmentVariable("SHELL") ?? "/bin/sh", "-c", line).Inside(network);
        var start = new ProcessStartInfo(command.Program) { UseShellExecute = false };
        foreach (var argument in command.Arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) Console.WriteLine($"(exit status {process.ExitCode})");
    }
}
