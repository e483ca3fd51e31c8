using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;
using Ambient.Tests.Kubernetes.Cluster;
using k8s;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>Who the controller is to the API, what it may read, and what follows where it may not.</summary>
public sealed class AccessTests(ApiServer server)
{
    [Fact]
    public async Task A_token_that_no_longer_counts_is_replaced_by_the_one_in_its_file()
    {
        var ns = await server.CreateNamespaceAsync("token");
        await server.AllowAsync(ns, "controller", "\"*\"");
        await server.AllowAsync(ns, "first", "\"*\"");
        using var folder = new TemporaryFolder();
        folder.Write("token", await server.TokenAsync(ns, "first"));
        await using var line = server.OpenLine();
        var kubeconfig = folder.Write("kubeconfig", WithTokenFile(line, "token"));
        await using var source = await FollowedSource.StartAsync(kubeconfig);

        // The token's account is gone, and its word with it, as an expired token's is: what is open ends, what comes is refused.
        await server.DeleteAsync("v1", "ServiceAccount", ns, "first");
        line.Break();
        await source.UntilAsync(s => s.Log.Any(entry => entry.Contains("401")), "a refusal of the old token");
        var told = source.Pods(ns);
        folder.Write("token.new", await server.TokenAsync(ns, "controller"));
        File.Move(Path.Combine(folder.Path, "token.new"), Path.Combine(folder.Path, "token"), overwrite: true);
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.5.0.1"));
        var took = await source.UntilAsync(s => s.Pods(ns).Count == 1, "the pod, by the new token");
        Assert.Empty(told);
        TestContext.Current.TestOutputHelper?.WriteLine($"followed again {took.TotalMilliseconds:0} ms after the new token");
    }

    [Fact]
    public async Task Rotated_tokens_are_used_without_a_gap()
    {
        var ns = await server.CreateNamespaceAsync("token");
        await server.AllowAsync(ns, "controller", "\"*\"");
        using var folder = new TemporaryFolder();
        folder.Write("token", await server.TokenAsync(ns, "controller"));
        await using var line = server.OpenLine();
        await using var source = await FollowedSource.StartAsync(folder.Write("kubeconfig", WithTokenFile(line, "token")));
        for (var i = 0; i < 3; i++)
        {
            folder.Write("token", await server.TokenAsync(ns, "controller"));
            line.Break();
            await server.ApplyAsync(Objects.Pod(ns, $"web-{i}", $"10.5.1.{i + 1}"));
            await source.UntilAsync(s => s.Pods(ns).Count == i + 1, $"pod {i}");
        }
        Assert.DoesNotContain(source.Log, entry => entry.Contains("401"));
    }

    [Fact]
    public async Task Roots_that_change_count_for_the_next_connection()
    {
        using var folder = new TemporaryFolder();
        var other = new TestAuthority(TimeProvider.System);
        var roots = folder.Write("ca.crt", other.RootPem);
        var kubeconfig = folder.Write("kubeconfig", File.ReadAllText(server.KubeconfigPath).Replace(RootsLine(server.KubeconfigPath), "certificate-authority: ca.crt"));
        var connection = new ApiConnection(kubeconfig, TimeProvider.System);
        await Assert.ThrowsAsync<HttpRequestException>(() => connection.SendAsync(HttpMethod.Get, "/version", null, TestContext.Current.CancellationToken));

        File.WriteAllBytes(roots, Convert.FromBase64String(RootsLine(server.KubeconfigPath)["certificate-authority-data: ".Length..]));
        Assert.True(await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var answer = await connection.SendAsync(HttpMethod.Get, "/version", null, TestContext.Current.CancellationToken);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }), "the new roots never count");
    }

    [Fact]
    public async Task A_client_certificate_that_is_replaced_in_its_files_counts_for_the_next_connection()
    {
        var admin = server.Configuration.Users.Single().UserCredentials;
        Assert.SkipUnless(admin.ClientCertificateData is not null && admin.ClientKeyData is not null, "the kubeconfig that was given has no client certificate");
        using var folder = new TemporaryFolder();
        using var other = new TestAuthority(TimeProvider.System);
        using var unknown = other.Client("admin", "system:masters");
        folder.Write("client.crt", unknown.ExportCertificatePem());
        folder.Write("client.key", TestAuthority.KeyPem(unknown));
        // Beside the kubeconfig, which is what names without a folder mean.
        var kubeconfig = folder.Write("kubeconfig", Accounts.WithUser(server.KubeconfigPath, "client-certificate: client.crt, client-key: client.key"));
        var time = new FakeTimeProvider();
        var connection = new ApiConnection(kubeconfig, time);
        Assert.False(await AnswersAsync());

        File.WriteAllBytes(Path.Combine(folder.Path, "client.crt"), Convert.FromBase64String(admin.ClientCertificateData!));
        File.WriteAllBytes(Path.Combine(folder.Path, "client.key"), Convert.FromBase64String(admin.ClientKeyData!));
        time.Advance(ApiConnection.LookInterval);
        Assert.True(await AnswersAsync(), "the new certificate does not count");

        async Task<bool> AnswersAsync()
        {
            try
            {
                using var answer = await connection.SendAsync(HttpMethod.Get, "/api/v1/pods?limit=1", null, TestContext.Current.CancellationToken);
                return answer.IsSuccessStatusCode;
            }
            // A server may refuse to shake hands, or take who comes for nobody.
            catch (Exception e) when (e is HttpRequestException or ApiRefusal { Status: System.Net.HttpStatusCode.Unauthorized or System.Net.HttpStatusCode.Forbidden })
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_proxy_in_the_kubeconfig_is_asked()
    {
        using var folder = new TemporaryFolder();
        await using var proxy = new ConnectProxy();
        var kubeconfig = folder.Write("kubeconfig", File.ReadAllText(server.KubeconfigPath).Replace(RootsLine(server.KubeconfigPath), $"{RootsLine(server.KubeconfigPath)}\n    proxy-url: {proxy.Url}"));
        using var answer = await new ApiConnection(kubeconfig, TimeProvider.System).SendAsync(HttpMethod.Get, "/version", null, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal(1, proxy.Connections);
    }

    [Fact]
    public async Task A_pod_finds_its_api_by_what_kubelet_mounts()
    {
        var ns = await server.CreateNamespaceAsync("pod");
        await server.AllowAsync(ns, "controller", "\"*\"");
        using var folder = new TemporaryFolder();
        folder.Write("token", await server.TokenAsync(ns, "controller"));
        folder.Write("ca.crt", server.RootsPem);
        var url = new Uri(server.Configuration.Clusters.Single().ClusterEndpoint.Server);
        Assert.SkipUnless(url.Host is "127.0.0.1", "the variables of a pod are those of this process, which other tests must not feel");
        (string, string?)[] variables = [("KUBERNETES_SERVICE_HOST", url.Host), ("KUBERNETES_SERVICE_PORT", url.Port.ToString(System.Globalization.CultureInfo.InvariantCulture))];
        foreach (var (name, value) in variables)
            Environment.SetEnvironmentVariable(name, value);
        try
        {
            using var answer = await new ApiConnection(null, TimeProvider.System, new ServiceAccountFolder(folder.Path)).SendAsync(HttpMethod.Get, "/api/v1/pods?limit=1", null, TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode);
        }
        finally
        {
            foreach (var (name, _) in variables)
                Environment.SetEnvironmentVariable(name, null);
        }
    }

    [Fact]
    public async Task Policies_that_may_not_be_read_take_direct_from_all()
    {
        var ns = await server.CreateNamespaceAsync("forbidden", ("ambient.mesh/enroll", "true"));
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.6.0.1"));
        await server.AllowAsync(ns, "controller", "namespaces, pods, services, nodes, endpointslices, customresourcedefinitions, accesspolicies, meshconfigs");
        await using var line = server.OpenLine(await server.TokenAsync(ns, "controller"));
        await using var source = await FollowedSource.StartAsync(line.KubeconfigPath);

        Assert.Contains("networking.k8s.io/NetworkPolicy", source.Last.UnknownKinds);
        Assert.False(new ModelOf(source).Build().Settings.DirectAllowed);

        // Mended while it runs, and taken back.
        await server.AllowAsync(ns, "controller", "\"*\"");
        await source.UntilAsync(s => !s.Last.UnknownKinds.Contains("networking.k8s.io/NetworkPolicy"), "leave to read policies");
    }

    [Fact]
    public async Task Without_leave_to_read_pods_nothing_is_told_at_all()
    {
        var ns = await server.CreateNamespaceAsync("forbidden");
        await server.AllowAsync(ns, "controller", "namespaces");
        await using var line = server.OpenLine(await server.TokenAsync(ns, "controller"));
        var connection = new ApiConnection(line.KubeconfigPath, TimeProvider.System);
        var log = new List<string>();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var published = 0;
        await new Ambient.Controller.Kubernetes.KubernetesSource(connection, FollowedSource.Quick, TimeProvider.System, new Random(1), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance)
            .RunAsync(_ => published++, stop.Token);
        Assert.Equal(0, published);
    }

    [Fact]
    public async Task Policies_of_network_plugins_take_direct_from_the_pods_that_they_select()
    {
        await using var own = server.IsReal ? null : await ApiServer.StartFakeAsync();
        var api = own ?? server;
        var (ns, elsewhere) = (await api.CreateNamespaceAsync("cni", ("team", "a")), await api.CreateNamespaceAsync("cni", ("team", "b")));
        foreach (var (place, i) in new[] { (ns, 1), (elsewhere, 2) })
        {
            foreach (var (app, j) in new[] { ("web", 1), ("db", 2), ("cart", 3) })
                await api.ApplyAsync(Objects.Pod(place, app, $"10.7.{i}.{j}", $"app: {app}"));
        }
        await using var source = await FollowedSource.StartAsync(api.KubeconfigPath);
        Assert.Equal("", Forbidden(source));

        await api.ApplyAsync(Objects.Definition("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", true)
            + Objects.Definition("cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy", false)
            + Objects.Definition("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy", true)
            + Objects.Definition("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy", false)
            + Objects.Definition("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy", false));
        await TellsAsync(Policy("cilium.io/v2", "CiliumNetworkPolicy", ns, "{ endpointSelector: { matchLabels: { \"k8s:app\": web } } }"), $"{ns}/web");
        await TellsAsync(Policy("cilium.io/v2", "CiliumNetworkPolicy", ns, "{ endpointSelector: {} }"), $"{ns}/cart {ns}/db {ns}/web");
        await TellsAsync(Policy("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "",
            $"{{ endpointSelector: {{ matchLabels: {{ io.kubernetes.pod.namespace: {elsewhere} }}, matchExpressions: [ {{ key: app, operator: NotIn, values: [ web ] }} ] }} }}"), $"{elsewhere}/cart {elsewhere}/db");
        await TellsAsync(Policy("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "", "{ nodeSelector: {} }"), "");
        await TellsAsync(Policy("crd.projectcalico.org/v1", "NetworkPolicy", ns, "{ selector: \"app in {'web', 'db'} && !has(tier)\" }"), $"{ns}/db {ns}/web");
        await TellsAsync(Policy("crd.projectcalico.org/v1", "NetworkPolicy", ns, "{ selector: \"app ~= 'nobody knows'\" }"), $"{ns}/cart {ns}/db {ns}/web");
        await TellsAsync(Policy("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "", "{ selector: \"app == 'web'\", namespaceSelector: \"team == 'b'\" }"), $"{elsewhere}/web");
        await TellsAsync(Policy("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "",
            "{ priority: 5, subject: { pods: { namespaceSelector: { matchLabels: { team: a } }, podSelector: { matchLabels: { app: cart } } } } }"), $"{ns}/cart");
        await TellsAsync(Policy("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "", "{ priority: 5, subject: { namespaces: { matchLabels: { team: b } } } }"),
            $"{elsewhere}/cart {elsewhere}/db {elsewhere}/web");

        // A kind that nobody told us of.
        await api.ApplyAsync(Objects.Definition($"{ns}.example.com", "v1", "fancynetworkpolicies", "FancyNetworkPolicy", true));
        await source.UntilAsync(s => s.Last.UnknownKinds.Contains($"{ns}.example.com/FancyNetworkPolicy"), "the unknown kind");
        Assert.False(new ModelOf(source).Build().Settings.DirectAllowed);
        await api.DeleteAsync("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", $"fancynetworkpolicies.{ns}.example.com");
        await source.UntilAsync(s => s.Last.UnknownKinds.IsEmpty, "the unknown kind's end");

        async Task TellsAsync((string Yaml, string ApiVersion, string Kind, string Namespace, string Name) policy, string expected)
        {
            await api.ApplyAsync(policy.Yaml);
            await source.UntilAsync(s => Forbidden(s) == expected && s.All<CniPolicyObject>().Any(p => p.Name == policy.Name), $"{policy.Yaml} selects '{expected}', and not '{Forbidden(source)}'");
            await api.DeleteAsync(policy.ApiVersion, policy.Kind, policy.Namespace, policy.Name);
            await source.UntilAsync(s => Forbidden(s) == "", $"{policy.Yaml} is gone");
        }

        (string, string, string, string, string) Policy(string apiVersion, string kind, string place, string spec)
        {
            var name = api.Name("policy");
            return ($"{{ apiVersion: {apiVersion}, kind: {kind}, metadata: {{ name: {name}{(place.Length > 0 ? $", namespace: {place}" : "")} }}, spec: {spec} }}", apiVersion, kind, place, name);
        }

        string Forbidden(FollowedSource s) => string.Join(' ', new ModelOf(s).Build().Pods.Values.Where(p => (p.Namespace == ns || p.Namespace == elsewhere) && p.DirectForbiddenReason.Length > 0)
            .Select(p => $"{p.Namespace}/{p.Name}").Order(StringComparer.Ordinal).OrderBy(name => name.StartsWith(elsewhere, StringComparison.Ordinal)));
    }

    private static string RootsLine(string kubeconfig) => File.ReadLines(kubeconfig).Select(line => line.Trim()).First(line => line.StartsWith("certificate-authority-data: ", StringComparison.Ordinal));

    private static string WithTokenFile(ApiLine line, string path) => Accounts.WithUser(line.KubeconfigPath, $"tokenFile: {path}");
}
