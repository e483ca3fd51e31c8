using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>A node's canary, with the real programs: from Redirector's own namespace through NodeProxy's accept path to the controller.</summary>
public sealed class CanaryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_proves_that_service_addresses_reach_its_proxy_and_says_so_and_says_when_Redirector_is_gone()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        await using var lab = await Lab.StartAsync(Plans.Standard with { CanaryService = "10.96.0.1:443" });
        await SaidAsync(lab, "Node n1 says that its redirection works");
        await SaidAsync(lab, "Node n2 says that its redirection works");
        var node = lab.Nodes[0];

        await node.Redirector.KillAsync();
        await SaidAsync(lab, "Node n1 says that its redirection does not work: RedirectorAway");
        var told = HealthLines(lab).Count;
        node.Redirector.Start();
        await lab.UntilAsync("it is well again", Patience, () => Task.FromResult(
            HealthLines(lab).Skip(told).Any(line => line.Contains("Node n1 says that its redirection works")) ? null : "not yet"));

        // A NodeProxy that takes over serves the canary as well.
        told = HealthLines(lab).Count;
        await node.NodeProxy.StopAsync(Patience);
        node.NodeProxy.Start();
        await lab.UntilAsync("the new NodeProxy says that it is well", Patience, () => Task.FromResult(
            HealthLines(lab).Skip(told).Any(line => line.Contains("Node n1 says that its redirection works")) ? null : "not yet"));
    }

    private static List<string> HealthLines(Lab lab) => [.. lab.Log.Of("controller").Where(line => line.Contains("says that its redirection"))];

    private static Task SaidAsync(Lab lab, string text) =>
        lab.UntilAsync(text, Patience, () => Task.FromResult(HealthLines(lab).Any(line => line.Contains(text)) ? null : "not said"));
}
