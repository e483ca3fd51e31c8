using System.Text;
using Ambient.Cni;
using Ambient.Cni.Install;

namespace Ambient.Tests.Unit.Cni;

public sealed class NetworkConfigurationTests
{
    [Theory]
    [InlineData("""{}""", "ambient-system kube-system")]
    [InlineData("""{"excludedNamespaces":[]}""", "ambient-system kube-system")]
    [InlineData("""{"excludedNamespaces":["monitoring",7]}""", "ambient-system kube-system monitoring")]
    [InlineData("""{"excludedNamespaces":"monitoring"}""", "ambient-system kube-system")]
    public void Nobody_is_ever_asked_about_the_namespaces_that_the_mesh_needs_to_come_up(string text, string excluded)
    {
        using var network = NetworkConfiguration.Parse(Encoding.UTF8.GetBytes(text));
        Assert.Equal(excluded, string.Join(' ', network.ExcludedNamespaces.Order()));
    }

    [Fact]
    public void An_installation_writes_them_whatever_it_is_told()
    {
        var options = InstallOptions.Parse(["--excluded-namespaces", "monitoring"], out var faults);
        Assert.Empty(faults);
        Assert.Equal("""["ambient-system","kube-system","monitoring"]""", options.Entry()["excludedNamespaces"]!.ToJsonString());
    }
}
