using System.Diagnostics;
using System.Text.Json.Nodes;
using Ambient.Tests.Mesh.Redirector;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>Behind the reference plugins of the CNI project, in the order in which a runtime calls a chain.</summary>
public sealed class ChainTests
{
    private const string Bridge = "/usr/lib/cni/bridge";

    [Fact]
    public void Behind_the_real_bridge_plugin_a_pod_starts_captured_and_everything_is_gone_after_DEL_in_reverse()
    {
        Machine.Offers("ip", "nft");
        Assert.SkipUnless(File.Exists(Bridge), "containernetworking-plugins is not installed.");
        using var run = new RedirectorRun();
        run.Start();
        using var node = run.Connect();
        node.Greet();
        Assert.True(node.Pass(run.Sign(run.Enrolling("shop"))).Accepted);
        var plugin = new Plugin(run);
        string network = $$"""
            {"cniVersion":"1.0.0","name":"real","type":"bridge","bridge":"cnitest0","isGateway":true,
             "ipam":{"type":"host-local","dataDir":"{{run.Folder}}/ipam","ranges":[[{"subnet":"10.98.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}] } }
            """;
        Command.Run("ip", "netns", "add", "cnireal");
        try
        {
            string result = Call(Bridge, "ADD", network);
            var address = System.Net.IPAddress.Parse(((string)JsonNode.Parse(result)!["ips"]![0]!["address"]!).Split('/')[0]);
            var pod = new Pod("cnireal", address, System.Net.IPAddress.IPv6None);

            var added = plugin.Add(pod, result: result);

            Assert.Equal((0, result.TrimEnd()), (added.ExitCode, added.Output.TrimEnd()));
            Assert.True(pod.HasTable);
            node.AwaitListeners(pod);
            using var client = Pod.Dial(address, 8080);   // from the node, as kubelet's probes come
            Assert.NotNull(client);
            using var waits = Wire.Accept(node.Listeners[pod.Uid][1]);
            Assert.NotNull(waits);

            Assert.Equal(0, plugin.Delete(pod).ExitCode);
            node.AwaitPhase(pod, Ambient.Protocol.Discovery.V1.PodPhase.Gone);
            Call(Bridge, "DEL", network);
        }
        finally
        {
            Command.TryRun("ip", "netns", "del", "cnireal");
            Command.TryRun("ip", "link", "del", "cnitest0");
        }
    }

    private static string Call(string program, string command, string network)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in ((string, string)[])[("CNI_COMMAND", command), ("CNI_CONTAINERID", "sandbox-1"), ("CNI_NETNS", "/run/netns/cnireal"), ("CNI_IFNAME", "eth0"), ("CNI_PATH", "/usr/lib/cni")])
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Write(network);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }
}
