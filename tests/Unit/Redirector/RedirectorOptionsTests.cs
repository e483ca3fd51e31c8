using Ambient.Redirector;

namespace Ambient.Tests.Unit.Redirector;

public sealed class RedirectorOptionsTests
{
    private static readonly string _key = typeof(RedirectorOptionsTests).Assembly.Location; // any file that exists

    [Fact]
    public void Every_fault_is_listed_at_once()
    {
        Assert.Null(RedirectorOptions.Parse(["--bogus", "--socket-uid", "x", "--netns-root", "relative"], _ => null, out var faults));
        foreach (string part in (string[])["--bogus", "--node", "--order-key", "--state", "--socket-uid is no number", "--channel-fd", "--netns-root"])
            Assert.Contains(faults, fault => fault.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Options_win_over_the_environment_which_serves_for_the_rest()
    {
        var environment = new Dictionary<string, string>
        {
            ["AMBIENT_NODE"] = "from-environment", ["AMBIENT_ORDER_KEY"] = _key, ["AMBIENT_STATE"] = "/state", ["AMBIENT_SOCKET"] = "/s",
            ["AMBIENT_SOCKET_UID"] = "65532", ["AMBIENT_NETNS_ROOT"] = "/run/netns",
        };
        var options = RedirectorOptions.Parse(["--node=given", "--state", "/other"], environment.GetValueOrDefault, out var faults);
        Assert.Empty(faults);
        Assert.Equal(("given", "/other", "/s", 65532u, "/run/netns"),
            (options!.Node, options.StateDirectory, options.SocketPath, options.SocketUserId, options.NamespaceRoot));
        Assert.Null(options.ChannelDescriptor);
        Assert.Equal(["ambient-system", "kube-system"], options.ExcludedNamespaces.Order());
    }

    [Theory]
    [InlineData("monitoring")]
    [InlineData("monitoring, kube-system,,monitoring")]
    public void Excluded_namespaces_are_in_addition_to_those_that_the_mesh_needs_to_come_up(string list)
    {
        var options = RedirectorOptions.Parse(["--node", "a", "--order-key", _key, "--state", "/s", "--channel-fd", "3", $"--excluded-namespaces={list}"], _ => null, out var faults);
        Assert.Empty(faults);
        Assert.Equal(["ambient-system", "kube-system", "monitoring"], options!.ExcludedNamespaces.Order());
    }

    [Theory]
    [InlineData("--socket", "/s", "--socket-uid", "1", "--channel-fd", "3")]
    [InlineData("--socket", "/s")]
    [InlineData("--channel-fd", "three")]
    [InlineData("--channel-fd")]
    public void One_way_to_NodeProxy_is_needed_and_complete(params string[] way)
    {
        Assert.Null(RedirectorOptions.Parse(["--node", "a", "--order-key", _key, "--state", "/s", .. way], _ => null, out var faults));
        Assert.NotEmpty(faults);
    }

    [Fact]
    public void An_inherited_channel_is_enough()
    {
        var options = RedirectorOptions.Parse(["--node", "a", "--order-key", _key, "--state", "/s", "--channel-fd", "3"], _ => null, out var faults);
        Assert.Empty(faults);
        Assert.Equal(3, options!.ChannelDescriptor);
    }

    [Fact]
    public void A_key_file_that_is_missing_is_a_fault_of_its_own()
    {
        Assert.Null(RedirectorOptions.Parse(["--node", "a", "--order-key", "/nowhere", "--state", "/s", "--channel-fd", "3"], _ => null, out var faults));
        Assert.Contains("/nowhere", Assert.Single(faults), StringComparison.Ordinal);
    }
}
