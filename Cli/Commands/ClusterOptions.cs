using System.CommandLine;
using Ambient.Cli.Cluster;
using Ambient.Cli.Deploy;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary>What the verbs about a cluster have in common: which one, and what they tell when it goes wrong.</summary>
internal sealed class ClusterOptions
{
    private readonly Option<string?> _kubeconfig = new("--kubeconfig") { Description = "File that says where the cluster is (KUBECONFIG, ~/.kube/config)" };
    private readonly Option<string?> _context = new("--context") { Description = "Context of that file (its current one)" };

    public void AddTo(Command command)
    {
        command.Options.Add(_kubeconfig);
        command.Options.Add(_context);
    }

    /// <summary>Whether one of them is given.</summary>
    public bool AreGiven(ParseResult parsed) => parsed.GetValue(_kubeconfig) is not null || parsed.GetValue(_context) is not null;

    /// <exception cref="ClusterException">None is known.</exception>
    public ClusterClient Open(ParseResult parsed) => ClusterClient.Open(parsed.GetValue(_kubeconfig), parsed.GetValue(_context));

    /// <summary>Runs a verb: 1 for what stands against it, 2 for nobody to ask.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> verb)
    {
        try
        {
            return await verb();
        }
        catch (DeployException fault)
        {
            await Console.Error.WriteLineAsync($"ambientctl: {fault.Message}");
            return 1;
        }
        catch (ClusterException fault)
        {
            await Console.Error.WriteLineAsync($"ambientctl: {fault.Message}");
            return fault.Status is null ? CommandLine.BadUsage : 1;
        }
    }
}
