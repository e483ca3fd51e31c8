using System.Diagnostics;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Who may call whom: what a user writes into a file decides within two seconds, on every way that a connection can take.</summary>
public sealed class PolicyTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private const string File = "access.yaml";

    // What a user is promised; a test fails at ten times that.
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(2);

    private Lab? _lab;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Between_nodes_only_the_identity_that_is_allowed_gets_through_and_the_refusal_names_the_policy(AddressFamily family)
    {
        var lab = await StartAsync("vault-13");
        double denied = (await lab.MetricsAsync()).Refusals("denied");
        Policy("guarded", "callers", """
            selector: {matchLabels: {app: vault}}
            rules:
            - from:
              - identities: ["spiffe://cluster.local/ns/guarded/sa/jobs"]
              ports: [8080]
            """);
        await UntilRefusedAsync("api-21", "vault", family);
        await ExchangeAsync("jobs-23", "vault", family);
        Assert.True((await lab.MetricsAsync()).Refusals("denied") > denied);
        Assert.Contains(Said(),
            line => line.Contains("no rule of AccessPolicy guarded/callers allows it", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Within_a_node_the_destinations_policy_holds_as_well_and_a_rule_that_denies_wins(AddressFamily family)
    {
        await StartAsync("cache-12");
        Policy("shop", "callers", "rules: [{}]", "shop", "not-web", """
            action: DENY
            rules:
            - from: [{identities: ["spiffe://*/ns/shop/sa/web"]}]
            """);
        await UntilRefusedAsync("web-11", "cache", family);
        await ExchangeAsync("api-21", "cache", family);
        Assert.Contains(Said(), line => line.Contains("denied by AccessPolicy shop/not-web rule 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Namespace_address_and_port_of_a_rule_are_each_looked_at()
    {
        var lab = await StartAsync("vault-13");
        var jobs = lab.Plan.Pod("jobs-23");
        Policy("guarded", "callers", "rules: [{from: [{namespaces: [shop]}]}]");
        await UntilRefusedAsync("jobs-23", "vault");
        await ExchangeAsync("api-21", "vault");
        Policy("guarded", "callers", $"rules: [{{from: [{{addresses: [{jobs.V4}, \"{jobs.V6}\"]}}]}}]");
        await UntilRefusedAsync("api-21", "vault");
        await ExchangeAsync("jobs-23", "vault");
        Policy("guarded", "callers", "rules: [{ports: [9999]}]");
        await UntilRefusedAsync("jobs-23", "vault");
    }

    [Fact]
    public async Task A_policy_with_a_field_that_is_not_known_denies_everything_to_the_pods_that_it_selects()
    {
        var lab = await StartAsync("vault-13", "cache-12");
        Policy("guarded", "callers", "rules: [{to: [{paths: [/]}]}]");
        await UntilRefusedAsync("jobs-23", "vault");
        await ExchangeAsync("web-11", "cache");
        Assert.Contains(Said(),
            line => line.Contains("unknown field spec.rules[0].to", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("api-21", "vault", "vault-13", "guarded")]   // a tunnel
    [InlineData("web-11", "cache", "cache-12", "shop")]      // inside the process
    public async Task A_change_closes_a_running_connection_that_it_denies_and_says_why(string from, string service, string to, string ns)
    {
        var lab = await StartAsync(to);
        using var client = await PodSocket.ConnectAsync(lab.Plan.Pod(from).Network, lab.Plan.Service(service).V4, 80);
        await EchoAsync(client);
        double revoked = (await lab.MetricsAsync()).Refusals("revoked");

        var clock = Stopwatch.StartNew();
        Policy(ns, "nobody", $"selector: {{matchLabels: {{app: {service}}}}}");
        using var timer = new CancellationTokenSource(Promised * 10);
        var ended = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], timer.Token));
        Assert.Equal(SocketError.ConnectionReset, ended.SocketErrorCode);
        TestContext.Current.TestOutputHelper?.WriteLine($"closed after {clock.ElapsedMilliseconds} ms; promised are {Promised.TotalMilliseconds:0} ms");
        Assert.Equal(revoked + 1, (await lab.MetricsAsync()).Refusals("revoked"));
        Assert.Contains(Said(),
            line => line.Contains($"no rule of AccessPolicy {ns}/nobody allows it; it had been allowed before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_change_that_is_about_others_leaves_a_running_connection_alone()
    {
        var lab = await StartAsync("vault-13", "cache-12");
        using var client = await PodSocket.ConnectAsync(lab.Plan.Pod("jobs-23").Network, lab.Plan.Service("vault").V4, 80);
        await EchoAsync(client);
        Policy("guarded", "callers", "rules: [{from: [{namespaces: [guarded]}]}]", "shop", "nobody", "selector: {matchLabels: {app: cache}}");
        await UntilRefusedAsync("web-11", "cache");
        await EchoAsync(client);
    }

    [Fact]
    public async Task STRICT_on_one_port_refuses_plaintext_there_and_nowhere_else_and_cuts_what_was_open()
    {
        var lab = await StartAsync("jobs-23");
        var pod = lab.Plan.Pod("jobs-23");
        var other = Own(PodSocket.Listen(pod.Network, 9090));
        using var client = await PodSocket.ConnectAsync(Topology.Outside, pod.V4, Plans.AppPort);
        await EchoAsync(client);
        lab.Mesh.Put(pod with { Annotations = pod.Annotations.Add("ambient.mesh/port-modes", $"{Plans.AppPort}=STRICT") });
        try
        {
            using var timer = new CancellationTokenSource(Promised * 10);
            await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], timer.Token));
            using var refused = await PodSocket.ConnectAsync(Topology.Outside, pod.V4, Plans.AppPort);
            await Assert.ThrowsAsync<SocketException>(async () => await refused.ReceiveAsync(new byte[1], timer.Token));
            using var taken = await PodSocket.ConnectAsync(Topology.Outside, pod.V4, 9090);
            using var accepted = await other.AcceptSoonAsync();
            await ExchangeAsync("api-21", "jobs");   // a tunnel is no plaintext
        }
        finally
        {
            lab.Mesh.Put(pod);
        }
    }

    [Fact]
    public async Task What_comes_from_the_nodes_own_address_passes_STRICT_only_by_a_rule_that_says_so()
    {
        var lab = await StartAsync("vault-13");
        var pod = lab.Plan.Pod("vault-13");
        const string Node = """
            ---
            apiVersion: v1
            kind: Node
            metadata: {name: n1}
            status: {addresses: [{type: InternalIP, address: 10.244.1.1}, {type: InternalIP, address: "fd00:244:1::1"}]}

            """;
        lab.Mesh.Put(pod with { Annotations = pod.Annotations.Add("ambient.mesh/mode", "STRICT") });
        try
        {
            Policy("guarded", "callers", "rules: [{}, {from: [{addresses: [10.0.0.0/8]}]}]", rest: Node);
            await UntilRefusedAsync(() => PodSocket.ConnectAsync(Topology.NodeNetwork(1), pod.V4, Plans.AppPort));
            await ExchangeAsync("jobs-23", "vault");
            Policy("guarded", "callers", $"rules: [{{}}, {{from: [{{nodeAddress: true}}], ports: [{Plans.AppPort}]}}]", rest: Node);
            await UntilTakenAsync(() => PodSocket.ConnectAsync(Topology.NodeNetwork(1), pod.V4, Plans.AppPort));
        }
        finally
        {
            lab.Mesh.Put(pod);
        }
    }

    /// <inheritdoc/>
    private protected override async ValueTask EndAsync()
    {
        if (_lab is null) return;
        _lab.Mesh.RemoveFile(File);
        await _lab.UntilAsync("no node holds a policy of this test any more", Promised * 10, async () =>
        {
            var pods = (await _lab.Controller.WorkloadsAsync())["workloads"]!.AsArray();
            if (pods.Any(pod => pod!["policies"]!.AsArray().Count > 0 || pod["portModes"]!.AsArray().Count > 0 || (string?)pod["mode"] != "permissive")) return "the controller";
            var behind = (await _lab.Controller.NodesAsync())["nodes"]!.AsArray().FirstOrDefault(node => (long?)node!["lag"] is not 0);
            return behind is null ? null : (string?)behind["name"];
        });
    }

    // With an echo server in each of the pods.
    private async Task<Lab> StartAsync(params string[] servers)
    {
        _lab = await MeshAsync();
        foreach (string name in servers) _ = ServeAsync(Own(PodSocket.Listen(_lab.Plan.Pod(name).Network)));
        return _lab;
    }

    private string[] Said() => _lab!.Log.Tail(200).Split('\n');

    private static async Task ServeAsync(Socket listener)
    {
        try
        {
            while (true) _ = EchoBackAsync(await listener.AcceptAsync());
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task EchoBackAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[16];
            try
            {
                while (await socket.ReceiveAsync(buffer) is > 0 and var some) await socket.SendAsync(buffer.AsMemory(0, some));
            }
            catch (SocketException)
            {
                // Refusing and cutting is what these tests are about.
            }
        }
    }

    // Three arguments a policy: namespace, name and spec in YAML. It comes into force some moments later.
    private void Policy(string ns, string name, string spec, string? ns2 = null, string? name2 = null, string? spec2 = null, string rest = "")
    {
        string One(string of, string called, string said) =>
            $"---\napiVersion: ambient.mesh/v1alpha1\nkind: AccessPolicy\nmetadata: {{name: {called}, namespace: {of}}}\nspec:\n  {said.Replace("\n", "\n  ", StringComparison.Ordinal)}\n";
        _lab!.Mesh.PutFile(File, One(ns, name, spec) + (ns2 is null ? "" : One(ns2, name2!, spec2!)) + rest);
    }

    private Task<Socket> DialAsync(string from, string service, AddressFamily family = AddressFamily.InterNetwork)
    {
        var to = _lab!.Plan.Service(service);
        return PodSocket.ConnectAsync(_lab.Plan.Pod(from).Network, family == AddressFamily.InterNetwork ? to.V4 : to.V6, to.Port);
    }

    private async Task ExchangeAsync(string from, string service, AddressFamily family = AddressFamily.InterNetwork)
    {
        using var socket = await DialAsync(from, service, family);
        await EchoAsync(socket);
    }

    private static async Task EchoAsync(Socket socket)
    {
        await socket.SendAllAsync("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await socket.ReceiveExactlyAsync(4));
    }

    private Task UntilRefusedAsync(string from, string service, AddressFamily family = AddressFamily.InterNetwork) =>
        UntilRefusedAsync(() => DialAsync(from, service, family));

    private async Task UntilRefusedAsync(Func<Task<Socket>> dial)
    {
        var took = await _lab!.UntilAsync("the policy refuses", Promised * 10, async () => await IsTakenAsync(dial) ? "it is taken" : null);
        TestContext.Current.TestOutputHelper?.WriteLine($"refused after {took.TotalMilliseconds:0} ms; promised are {Promised.TotalMilliseconds:0} ms");
    }

    private Task UntilTakenAsync(Func<Task<Socket>> dial) =>
        _lab!.UntilAsync("the policy allows", Promised * 10, async () => await IsTakenAsync(dial) ? null : "it is refused");

    private static async Task<bool> IsTakenAsync(Func<Task<Socket>> dial)
    {
        try
        {
            using var socket = await dial();
            await EchoAsync(socket);
            return true;
        }
        catch (Exception refused) when (refused is SocketException or EndOfStreamException)
        {
            return false;
        }
    }
}
