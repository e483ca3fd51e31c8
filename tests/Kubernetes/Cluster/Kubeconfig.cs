using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.KubeConfigModels;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>Makes kubeconfigs: who, where to, and what to trust.</summary>
internal static class Kubeconfig
{
    /// <summary>A user with a client certificate.</summary>
    internal static K8SConfiguration Of(Uri server, string rootPem, X509Certificate2 client) => Of(server, rootPem, new UserCredentials
    {
        ClientCertificateData = Encode(client.ExportCertificatePem()),
        ClientKeyData = Encode(TestAuthority.KeyPem(client)),
    });

    /// <summary>The same cluster, as somebody else.</summary>
    internal static K8SConfiguration As(K8SConfiguration configuration, UserCredentials user) => new()
    {
        ApiVersion = "v1",
        Kind = "Config",
        CurrentContext = "test",
        Clusters = configuration.Clusters,
        Contexts = configuration.Contexts,
        Users = [new User { Name = "test", UserCredentials = user }],
    };

    /// <summary>The same user at another address, where the server's name is no longer the one in its certificate.</summary>
    internal static K8SConfiguration At(K8SConfiguration configuration, Uri server)
    {
        var cluster = configuration.Clusters.Single().ClusterEndpoint;
        return Named(new ClusterEndpoint
        {
            Server = server.ToString().TrimEnd('/'),
            CertificateAuthorityData = cluster.CertificateAuthorityData,
            SkipTlsVerify = cluster.SkipTlsVerify,
            TlsServerName = cluster.TlsServerName ?? new Uri(cluster.Server).Host,
        }, configuration.Users.Single().UserCredentials);
    }

    /// <summary>The current context of a kubeconfig alone, with the contents of the files that it names.</summary>
    internal static K8SConfiguration Whole(K8SConfiguration configuration)
    {
        var context = configuration.Contexts.Single(c => c.Name == configuration.CurrentContext).ContextDetails;
        var cluster = configuration.Clusters.Single(c => c.Name == context.Cluster).ClusterEndpoint;
        var user = configuration.Users.Single(u => u.Name == context.User).UserCredentials;
        var folder = Path.GetDirectoryName(configuration.FileName) ?? "";
        cluster.CertificateAuthorityData ??= Content(cluster.CertificateAuthority);
        user.ClientCertificateData ??= Content(user.ClientCertificate);
        user.ClientKeyData ??= Content(user.ClientKey);
        (cluster.CertificateAuthority, user.ClientCertificate, user.ClientKey) = (null, null, null);
        return Named(cluster, user);

        string? Content(string? file) => string.IsNullOrEmpty(file) ? null : Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, file)));
    }

    private static K8SConfiguration Of(Uri server, string rootPem, UserCredentials user) => Named(new ClusterEndpoint
    {
        Server = server.ToString().TrimEnd('/'),
        CertificateAuthorityData = Encode(rootPem),
    }, user);

    private static K8SConfiguration Named(ClusterEndpoint cluster, UserCredentials user) => new()
    {
        ApiVersion = "v1",
        Kind = "Config",
        CurrentContext = "test",
        Clusters = [new k8s.KubeConfigModels.Cluster { Name = "test", ClusterEndpoint = cluster }],
        Contexts = [new Context { Name = "test", ContextDetails = new ContextDetails { Cluster = "test", User = "test" } }],
        Users = [new User { Name = "test", UserCredentials = user }],
    };

    private static string Encode(string pem) => Convert.ToBase64String(Encoding.UTF8.GetBytes(pem));
}
