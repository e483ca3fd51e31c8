using System.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Cluster.Fake;
using k8s;
using k8s.KubeConfigModels;

[assembly: AssemblyFixture(typeof(ApiServer))]

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>
/// The API server that all tests of the assembly share, each in namespaces and with names of its own (<see cref="Name"/>). A test class
/// takes it as a constructor argument. Which one it is decides the environment, by the envtest convention:
/// <c>AMBIENT_TEST_KUBECONFIG</c> leads to a server that runs already, <c>KUBEBUILDER_ASSETS</c> is a folder with etcd and
/// kube-apiserver, which are started; without either it is a fake in this process.
/// </summary>
/// <remarks>
/// What goes wrong is done to a line (<see cref="OpenLine"/>) or to a fake of the test's own (<see cref="StartFakeAsync"/>), never to
/// what the others use.
/// </remarks>
public sealed class ApiServer : IAsyncLifetime
{
    private readonly TestAuthority _authority = new(TimeProvider.System);
    private readonly TemporaryFolder _folder = new();
    private RealApiServer? _started;
    private int _names;

    /// <summary>The server's own words for its version.</summary>
    public string Version { get; private set; } = "";

    /// <summary>Whether it is a real one, so that schemas, CEL and admission are there.</summary>
    public bool IsReal => Fake is null;

    /// <summary>The fake; null if the server is real.</summary>
    public FakeApiServer? Fake { get; private set; }

    /// <summary>Kubeconfig of an administrator.</summary>
    public string KubeconfigPath { get; private set; } = "";

    /// <summary>An administrator's client.</summary>
    public IKubernetes Admin { get; private set; } = null!;

    /// <summary>The same administrator without a library: paths like <c>/api/v1/namespaces</c>.</summary>
    public HttpClient Http { get; private set; } = null!;

    /// <summary>Whom clients of this server have to trust.</summary>
    public string RootsPem => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(Configuration.Clusters.Single().ClusterEndpoint.CertificateAuthorityData));

    /// <summary>Whether EndpointSlices have their version of since 1.21.</summary>
    public bool HasSlicesV1 { get; private set; } = true;

    internal K8SConfiguration Configuration { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("AMBIENT_TEST_KUBECONFIG") is { Length: > 0 } given)
            await ConnectAsync(Kubeconfig.Whole(await KubernetesClientConfiguration.LoadKubeConfigAsync(given)));
        else
            await StartAsync(TimeProvider.System);
        TestContext.Current.SendDiagnosticMessage($"API server: {Version} at {Http.BaseAddress}");
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        Admin?.Dispose();
        if (Fake is not null)
            await Fake.DisposeAsync();
        if (_started is not null)
            await _started.DisposeAsync();
        _authority.Dispose();
        _folder.Dispose();
    }

    /// <summary>A name that nothing else in the server has, for a namespace or a cluster-wide object.</summary>
    public string Name(string what) => $"{what}-{Environment.ProcessId % 100_000}-{Guid.NewGuid().ToString()[..4]}-{Interlocked.Increment(ref _names)}";

    /// <summary>Skips the test where only a fake is there.</summary>
    /// <param name="what">What a fake cannot show, like "merging of server-side apply".</param>
    public void RequireReal(string what) =>
        Assert.SkipUnless(IsReal, $"{what} needs a real API server: set KUBEBUILDER_ASSETS (a folder with kube-apiserver and etcd) or AMBIENT_TEST_KUBECONFIG");

    /// <summary>Skips the test where the server is older.</summary>
    /// <param name="minor">The least version, 1.MINOR.</param>
    public void RequireVersion(int minor, string what)
    {
        var found = int.Parse(Version.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.SkipUnless(found >= minor, $"{what} needs Kubernetes 1.{minor}; this server is {Version}");
    }

    /// <summary>A way to the server that can be cut.</summary>
    public ApiLine OpenLine() => new(Configuration);

    /// <summary>As <see cref="OpenLine()"/>, as another user.</summary>
    /// <param name="token">Of a service account.</param>
    public ApiLine OpenLine(string token) => new(Kubeconfig.As(Configuration, new UserCredentials { Token = token }));

    /// <summary>A fake of the test's own, whose faults touch nobody else, with the face of the shared one.</summary>
    /// <param name="time">What its tokens and time-outs go by.</param>
    public static async Task<ApiServer> StartFakeAsync(TimeProvider? time = null)
    {
        var server = new ApiServer();
        await server.StartAsync(time ?? TimeProvider.System, mayBeReal: false);
        return server;
    }

    /// <summary>
    /// A server of the test's own, for what concerns a whole cluster. It is a real one where <c>KUBEBUILDER_ASSETS</c> has one to start, and
    /// never one that was given: no test takes somebody's cluster apart.
    /// </summary>
    public static async Task<ApiServer> StartOwnAsync()
    {
        var server = new ApiServer();
        try
        {
            await server.StartAsync(TimeProvider.System);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has the server forget its history, so that watches from an old revision get 410.</summary>
    public async Task CompactAsync()
    {
        if (Fake is not null)
            Fake.Compact();
        else if (_started is not null)
            await _started.CompactAsync();
        else
            Assert.Skip("a server that was given (AMBIENT_TEST_KUBECONFIG) is not compacted by a test");
    }

    /// <summary>Makes a namespace.</summary>
    /// <returns>Its name.</returns>
    public async Task<string> CreateNamespaceAsync(string what, params IEnumerable<(string Key, string Value)> labels)
    {
        var name = Name(what);
        await Objects.CreateAsync("/api/v1/namespaces", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Namespace",
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))),
            },
        });
        return name;
    }

    /// <summary>
    /// Applies every object of a text, in order, as server-side apply does, each with its status if one is written. Waits until a
    /// CustomResourceDefinition is served.
    /// </summary>
    /// <param name="dryRun">Has the server decide everything and keep nothing.</param>
    public Task<IReadOnlyList<JsonObject>> ApplyAsync(string yaml, bool dryRun = false) => Objects.ApplyAsync(Manifest.Read(yaml), dryRun);

    /// <summary>Changes some fields of an object (RFC 7396).</summary>
    /// <param name="path">From the server's root.</param>
    public async Task MergePatchAsync(string path, string patch)
    {
        using var body = new StringContent(patch, Encoding.UTF8, "application/merge-patch+json");
        using var answer = await Http.PatchAsync(path, body);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>The Events of a namespace.</summary>
    public async Task<IReadOnlyList<JsonObject>> EventsAsync(string ns) =>
        [.. (await Http.GetFromJsonAsync<JsonObject>($"/apis/events.k8s.io/v1/namespaces/{ns}/events"))!["items"]!.AsArray().Select(e => e!.AsObject())];

    /// <summary>Deletes an object at once; it is no fault if it is not there.</summary>
    public Task DeleteAsync(string apiVersion, string kind, string ns, string name) => Objects.DeleteAsync(apiVersion, kind, ns, name);

    /// <summary>A token of a service account, which must be there.</summary>
    /// <param name="audience">Null for the API server's own.</param>
    /// <param name="pod">The pod that it is bound to, if any.</param>
    public async Task<string> TokenAsync(string ns, string account, string? audience = null, string? pod = null, int seconds = 3600)
    {
        var spec = new JsonObject { ["expirationSeconds"] = seconds, ["audiences"] = new JsonArray(audience ?? Tokens.Issuer) };
        if (pod is not null)
        {
            var uid = (string)(await Http.GetFromJsonAsync<JsonObject>($"/api/v1/namespaces/{ns}/pods/{pod}"))!["metadata"]!["uid"]!;
            spec["boundObjectRef"] = new JsonObject { ["kind"] = "Pod", ["apiVersion"] = "v1", ["name"] = pod, ["uid"] = uid };
        }
        var answer = await Objects.CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts/{account}/token", new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["metadata"] = new JsonObject(), ["spec"] = spec });
        return (string)answer["status"]!["token"]!;
    }

    private ApiObjects Objects => field ??= new ApiObjects(Http);

    private async Task StartAsync(TimeProvider time, bool mayBeReal = true)
    {
        IPEndPoint endPoint;
        if (mayBeReal && Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } assets)
            endPoint = (_started = await RealApiServer.StartAsync(assets, _authority)).EndPoint;
        else
            endPoint = (Fake = await FakeApiServer.StartAsync(_authority, time)).EndPoint;
        await ConnectAsync(ConfigurationOf(endPoint));
    }

    private async Task ConnectAsync(K8SConfiguration configuration)
    {
        Configuration = configuration;
        KubeconfigPath = _folder.Write("admin.kubeconfig", KubernetesYaml.Serialize(configuration));
        (Admin, Http) = Clients(configuration);
        Version = (string)(await Http.GetFromJsonAsync<JsonObject>("/version"))!["gitVersion"]!;
        HasSlicesV1 = (await Http.GetAsync("/apis/discovery.k8s.io/v1")).IsSuccessStatusCode;
    }

    private K8SConfiguration ConfigurationOf(IPEndPoint endPoint)
    {
        using var admin = _authority.Client("admin", Caller.Masters);
        return Kubeconfig.Of(new Uri($"https://{endPoint}"), _authority.RootPem, admin);
    }

    private static (IKubernetes, HttpClient) Clients(K8SConfiguration configuration)
    {
        var client = new k8s.Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigObject(configuration));
        // Its handlers carry the certificates; credentials that are tokens or programs are put on by the library itself.
        var http = client.HttpClient;
        if (configuration.Users.Single().UserCredentials.Token is { Length: > 0 } token)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        http.BaseAddress ??= client.BaseUri;
        return (client, http);
    }
}
