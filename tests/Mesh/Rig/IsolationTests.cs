using System.Net.NetworkInformation;

namespace Ambient.Tests.Mesh.Rig;

public sealed class IsolationTests
{
    [Fact]
    public void A_mesh_test_has_a_network_a_process_tree_and_a_run_folder_of_its_own()
    {
        Machine.Offers();

        Assert.Contains("lo", NetworkInterface.GetAllNetworkInterfaces().Select(i => i.Name));
        Assert.DoesNotContain("eth0", NetworkInterface.GetAllNetworkInterfaces().Select(i => i.Name));
        Assert.StartsWith("bash", File.ReadAllText("/proc/1/comm"));
        Assert.Contains(File.ReadLines("/proc/self/mounts"), line => line.StartsWith("tmpfs /run tmpfs", StringComparison.Ordinal));
        Assert.Equal("/run/tmp", Path.GetTempPath().TrimEnd('/'));
    }
}
