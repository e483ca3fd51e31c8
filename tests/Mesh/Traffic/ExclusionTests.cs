using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Ports and address blocks that annotations keep out of the mesh, changed while pods run.</summary>
public sealed class ExclusionTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private const string InboundPorts = "ambient.mesh/exclude-inbound-ports";
    private const string OutboundPorts = "ambient.mesh/exclude-outbound-ports";
    private const string OutboundRanges = "ambient.mesh/exclude-outbound-cidrs";
    private const int OtherPort = 9090;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly List<PodPlan> _changed = [];
    private Lab? _lab;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task An_excluded_inbound_port_is_spoken_to_in_plaintext_at_once_and_open_connections_go_on(AddressFamily family)
    {
        var lab = _lab = await MeshAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("jobs-23"));
        var address = family == AddressFamily.InterNetwork ? server.V4 : server.V6;
        var (app, other) = (Own(PodSocket.Listen(server.Network)), Own(PodSocket.Listen(server.Network, OtherPort)));

        var before = await TunnelsAsync(lab);
        var old = await OpenAsync(client, address, OtherPort, other);
        await UntilCountedAsync(lab, before + 1);

        await AnnotateAsync(lab, server, (InboundPorts, $"{OtherPort}"));
        before = await TunnelsAsync(lab);
        var (plain, plainBefore) = (0, await PlainAsync(lab));
        for (; plain < 5; plain++)
        {
            var excluded = await OpenAsync(client, address, OtherPort, other);
            await ExchangeAsync(excluded);
        }
        Assert.Equal(before, await TunnelsAsync(lab));
        Assert.Equal(plainBefore + plain, await PlainAsync(lab));
        // Everything else still goes through, and what was open is not disturbed.
        await ExchangeAsync(await OpenAsync(client, address, Plans.AppPort, app));
        await UntilCountedAsync(lab, before + 1);
        await ExchangeAsync(old);

        var direct = await OpenAsync(client, address, OtherPort, other);
        await AnnotateAsync(lab, server);
        await lab.UntilAsync("the port is reached by a tunnel again", Patience, async () =>
        {
            before = await TunnelsAsync(lab);
            await ExchangeAsync(await OpenAsync(client, address, OtherPort, other));
            return await TunnelsAsync(lab) > before ? null : "plain";
        });
        await ExchangeAsync(direct);
        await ExchangeAsync(old);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Excluded_outbound_ports_and_ranges_go_out_untouched_and_everything_else_still_goes_through(AddressFamily family)
    {
        var lab = _lab = await MeshAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("jobs-23"));
        var isV4 = family == AddressFamily.InterNetwork;
        var (outside, inside) = (IPAddress.Parse(isV4 ? "192.0.2.9" : "fd00:99::9"), isV4 ? server.V4 : server.V6);
        var beyond = Own(PodSocket.Listen(Topology.Outside));
        var (app, other) = (Own(PodSocket.Listen(server.Network)), Own(PodSocket.Listen(server.Network, OtherPort)));

        await AnnotateAsync(lab, client, (OutboundPorts, $"{OtherPort}, 22"), (OutboundRanges, "192.0.2.0/28, fd00:99::/120"));
        var before = await FromWebAsync(lab);
        await ExchangeAsync(await OpenAsync(client, outside, Plans.AppPort, beyond));
        await ExchangeAsync(await OpenAsync(client, inside, OtherPort, other));
        Assert.Equal(before, await FromWebAsync(lab));
        await ExchangeAsync(await OpenAsync(client, inside, Plans.AppPort, app));
        await lab.UntilAsync("the other port is counted", Patience, async () => await FromWebAsync(lab) == before + 1 ? null : "not yet");

        await AnnotateAsync(lab, client);
        await ExchangeAsync(await OpenAsync(client, outside, Plans.AppPort, beyond));
        await lab.UntilAsync("the range is captured again", Patience, async () => await FromWebAsync(lab) == before + 2 ? null : "not yet");
    }

    [Fact]
    public async Task A_malformed_annotation_excludes_nothing_and_is_named()
    {
        var lab = _lab = await MeshAsync();
        var pod = lab.Plan.Pod("jobs-23");
        var rules = await RulesAsync(pod);
        Change(lab, pod, (InboundPorts, "everything"), (OutboundPorts, "0"), (OutboundRanges, "10.0.0.0/33"));
        foreach (var key in (string[])[InboundPorts, OutboundPorts, OutboundRanges])
            await lab.UntilAsync($"{key} is named", Patience, () => Task.FromResult(lab.Log.Tail(400).Contains($"annotation {key}: expected", StringComparison.Ordinal) ? null : "not yet"));
        await lab.Controller.WaitForStateAsync("enrolled", [pod], Patience);
        Assert.Equal(rules, await RulesAsync(pod));
    }

    private protected override async ValueTask EndAsync()
    {
        if (_lab is null) return;
        foreach (var pod in _changed.Distinct().ToList()) await AnnotateAsync(_lab, pod);
    }

    private void Change(Lab lab, PodPlan pod, params ReadOnlySpan<(string Key, string Value)> annotations)
    {
        _changed.Add(pod);
        var all = ImmutableDictionary<string, string>.Empty;
        foreach (var (key, value) in annotations) all = all.SetItem(key, value);
        lab.Mesh.Put(pod with { Annotations = all });
    }

    // Waits for the rules: announcing comes before adding, and after removing.
    private async Task AnnotateAsync(Lab lab, PodPlan pod, params (string Key, string Value)[] annotations)
    {
        Change(lab, pod, annotations);
        await lab.UntilAsync($"the rules of {pod.Name} follow its annotations", Patience, async () =>
        {
            var rules = await RulesAsync(pod);
            return annotations.Length == 0 == !rules.Contains("dport { ", StringComparison.Ordinal) && rules.Contains("redirect", StringComparison.Ordinal) ? null : rules;
        });
    }

    // A set of one port is listed without braces.
    private static async Task<string> RulesAsync(PodPlan pod)
    {
        var listed = await Tool.MustAsync(Command.Of("nft", "-s", "-n", "list", "table", "inet", "ambient").Inside(pod.Network));
        return listed.Replace($"tcp dport {OtherPort} return", $"tcp dport {{ {OtherPort} }} return", StringComparison.Ordinal);
    }

    private async Task<(Socket Client, Socket Server)> OpenAsync(PodPlan from, IPAddress address, int port, Socket listener)
    {
        var client = Own(await PodSocket.ConnectAsync(from.Network, address, port));
        return (client, Own(await listener.AcceptSoonAsync()));
    }

    private static async Task ExchangeAsync((Socket Client, Socket Server) pair)
    {
        await pair.Client.SendAllAsync(Encoding.ASCII.GetBytes("ping"));
        Assert.Equal("ping", Encoding.ASCII.GetString(await pair.Server.ReceiveExactlyAsync(4)));
        await pair.Server.SendAllAsync(Encoding.ASCII.GetBytes("pong"));
        Assert.Equal("pong", Encoding.ASCII.GetString(await pair.Client.ReceiveExactlyAsync(4)));
    }

    private static Task UntilCountedAsync(Lab lab, double tunnels) =>
        lab.UntilAsync("the tunnel is counted", Patience, async () => await TunnelsAsync(lab) == tunnels ? null : $"{await TunnelsAsync(lab)} tunnels");

    private static async Task<double> TunnelsAsync(Lab lab) => (await lab.MetricsAsync()).Connections("source", "web", "jobs", "tunnel", "mutual_tls");

    private static async Task<double> PlainAsync(Lab lab) => (await lab.MetricsAsync()).Connections("source", "web", "jobs", "plain", "plaintext");

    private static async Task<double> FromWebAsync(Lab lab) =>
        (await lab.MetricsAsync()).Sum("ambient_connections_opened_total", ("reporter", "source"), ("source_workload", "web"));
}
