using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

public sealed class LabTests
{
    [Fact]
    public async Task Pods_reach_each_other_over_both_families_before_there_is_a_mesh()
    {
        Machine.Offers("ip", "nsenter");
        var plan = Plans.Standard;
        var network = await Network.MakeAsync(plan);
        try
        {
            var server = LabProcess.Start("server", Command.Of(Programs.Cli, "app", "serve", "--port", "8080").Inside(plan.Pod("api-21").Network), new LabLog());
            var to = $"{plan.Pod("api-21").V4}:8080,[{plan.Pod("api-21").V6}]:8080";
            await Waiting.UntilAsync("a pod of node 1 reaches one of node 2", TimeSpan.FromSeconds(10), new LabLog(), async () =>
            {
                var answer = await Tool.RunAsync(Command.Of(Programs.Cli, "app", "load", "--to", to, "--rate", "20", "--seconds", "0.3").Inside(plan.Pod("web-11").Network));
                return answer.Output.Contains("\"ok\":6", StringComparison.Ordinal) ? null : answer.Output + answer.Error;
            });
            await server.KillAsync();
        }
        finally
        {
            await network.RemoveAsync();
        }
    }

    [Fact]
    public async Task A_mesh_starts_and_takes_pods_in_and_lets_them_go()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        await using var lab = await Lab.StartAsync(Plans.Standard);
        await lab.EnrolAsync("shop");
        await lab.WithdrawAsync("shop");
    }
}
