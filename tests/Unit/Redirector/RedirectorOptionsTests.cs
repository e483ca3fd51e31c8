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
    [InlineData("10.96.0.1", "443", "10.96.0.1:443")]
    [InlineData("fd00::1", "443", "[fd00::1]:443")]
    [InlineData("api.example.com", "443", null)]
    [InlineData("10.96.0.1", "tcp", null)]
    [InlineData("10.96.0.1", "0", null)]
    [InlineData(null, null, null)]
    public void The_canarys_service_is_the_clusters_and_one_that_is_no_address_keeps_nobody_from_starting(string? host, string? port, string? service)
    {
        string? Variable(string name) => name switch { "KUBERNETES_SERVICE_HOST" => host, "KUBERNETES_SERVICE_PORT" => port, _ => null };
        string[] needed = ["--node", "a", "--order-key", _key, "--state", "/s", "--channel-fd", "3"];
        var options = RedirectorOptions.Parse(needed, Variable, out var faults);
        Assert.Empty(faults);
        Assert.Equal(service, options!.CanaryService?.ToString());
        Assert.Equal("192.0.2.1:80", RedirectorOptions.Parse([.. needed, "--canary-service=192.0.2.1:80"], Variable, out _)!.CanaryService!.ToString());
        Assert.Null(RedirectorOptions.Parse([.. needed, "--canary-service=none"], Variable, out _)!.CanaryService);
        Assert.Null(RedirectorOptions.Parse([.. needed, "--canary-service=api.example.com:443"], Variable, out faults));
        Assert.Contains("--canary-service", Assert.Single(faults), StringComparison.Ordinal);
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
