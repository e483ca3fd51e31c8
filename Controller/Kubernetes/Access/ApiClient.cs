using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Ambient.Controller.Sources.Yaml;
using k8s;
using k8s.Exceptions;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>A client made of the configuration as it is at one moment, and what tells whether it still is that.</summary>
internal sealed class ApiClient
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);
    // A connection that is idle, or whose other end is gone, is asked at this pace, and given up this long after no answer: a watch that
    // says nothing for minutes is nothing unusual, a watch that never says anything again is.
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(10);

    private readonly RefusalWatch _refusals = new();

    private ApiClient(KubernetesClientConfiguration configuration, Uri? proxy, string fingerprint)
    {
        configuration.UserAgent = "ambient-controller";
        // Each call has limits of its own, and a watch has none.
        configuration.HttpClientTimeout = Timeout.InfiniteTimeSpan;
        configuration.FirstMessageHandlerSetup = handler =>
        {
            handler.ConnectTimeout = ConnectLimit;
            handler.KeepAlivePingDelay = PingInterval;
            handler.KeepAlivePingTimeout = PingLimit;
            handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
            if (proxy is not null)
                (handler.Proxy, handler.UseProxy) = (new System.Net.WebProxy(proxy), true);
        };
        Kubernetes = new k8s.Kubernetes(configuration, _refusals);
        Fingerprint = fingerprint;
    }

    internal k8s.Kubernetes Kubernetes { get; }

    /// <summary>Of all files that the client was made of, but for the token, which is read for each request.</summary>
    internal string Fingerprint { get; }

    /// <summary>Whether a program was asked who we are. It says so once, when the client is made, unless it names a time itself.</summary>
    internal bool AsksProgram { get; private init; }

    /// <returns>Whether the server did not take who we are, since this was asked last.</returns>
    internal bool TakeRefusal() => _refusals.Take();

    /// <summary>Makes a client of what a pod finds in itself.</summary>
    /// <exception cref="IOException">A file is missing or none of the form.</exception>
    internal static ApiClient InCluster(ServiceAccountFolder folder, string fingerprint)
    {
        var (host, port) = (Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"), Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT"));
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
            throw new IOException("this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set), and no --kubeconfig is given");
        var roots = new X509Certificate2Collection();
        Readable(folder.RootsPath, () => roots.ImportFromPemFile(folder.RootsPath));
        return new ApiClient(new KubernetesClientConfiguration
        {
            Host = new UriBuilder("https", host, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture)).ToString(),
            SslCaCerts = roots,
            TokenProvider = new TokenFile(folder.TokenPath),
        }, proxy: null, fingerprint);
    }

    /// <summary>Makes a client of the current context of a kubeconfig. Starts the program that it names for its user, if it does, and waits for it.</summary>
    /// <inheritdoc cref="InCluster"/>
    internal static ApiClient OfKubeconfig(string path, string fingerprint)
    {
        KubernetesClientConfiguration? configuration = null;
        KubeconfigExtras? extras = null;
        var asksProgram = false;
        Readable(path, () =>
        {
            extras = KubeconfigExtras.Read(path);
            var read = KubernetesClientConfiguration.LoadKubeConfig(path);
            // The library knows no tokenFile, and refuses a user without anything that it knows.
            var user = read.Users.FirstOrDefault(user => user.Name == extras.User)?.UserCredentials;
            if (extras.TokenPath is not null && user is not null)
                (user.Token, user.ExternalExecution) = ("in a file", null);
            asksProgram = user?.ExternalExecution is not null;
            configuration = KubernetesClientConfiguration.BuildConfigFromConfigObject(read);
        });
        if (extras!.TokenPath is { } token)
            (configuration!.TokenProvider, configuration.AccessToken) = (new TokenFile(token), null);
        else if (asksProgram && configuration!.TokenProvider is { } program)
            configuration.TokenProvider = new ProgramToken(program);
        return new ApiClient(configuration!, extras.Proxy, fingerprint) { AsksProgram = asksProgram };
    }

    /// <summary>What the files of a configuration hold now. A file that is missing counts as empty.</summary>
    internal static string FingerprintOf(string? kubeconfig, ServiceAccountFolder folder)
    {
        List<string> files = kubeconfig is null ? [folder.RootsPath] : [kubeconfig];
        try
        {
            if (kubeconfig is not null)
                files.AddRange(KubeconfigExtras.Read(kubeconfig).FilePaths);
        }
        catch (Exception e) when (e is YamlFaultException or IOException or UnauthorizedAccessException)
        {
            // Making a client of it says so.
        }
        var all = new StringBuilder();
        foreach (var file in files)
            all.Append(HashOf(file)).Append(' ');
        return all.ToString();
    }

    private static string HashOf(string file)
    {
        try
        {
            return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static void Readable(string file, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is YamlFaultException or KubeConfigException or CryptographicException or YamlDotNet.Core.YamlException or FormatException or InvalidOperationException)
        {
            throw new IOException($"{file}: {e.Message}", e);
        }
    }
}
