using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Ambient.Controller.Authority;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Tests.Kubernetes.Cluster;
using k8s;
using k8s.Models;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>The mesh's keys lie in Secrets: made once, or the user's own.</summary>
public sealed class AuthoritySecretTests(ApiServer server)
{
    private const string Shop = """
        { apiVersion: v1, kind: Namespace, metadata: { name: shop, labels: { ambient.mesh/enroll: "true" } } }
        ---
        { apiVersion: v1, kind: Pod, metadata: { name: web, namespace: shop, uid: uid-web }, spec: { nodeName: a, serviceAccountName: web }, status: { podIP: 10.1.0.1 } }
        """;

    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");

    [Fact]
    public async Task Two_controllers_that_start_at_once_make_one_authority_and_one_key_of_orders()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        mesh.Write("mesh.yaml", Shop);
        var (one, other) = (mesh.StartAsync(), mesh.StartAsync());
        var controllers = await Task.WhenAll(one, other);

        var secret = await mesh.SecretAsync("ambient-ca");
        Assert.Equal("kubernetes.io/tls", secret.Type);
        Assert.Equal(["ca.crt", "tls.crt", "tls.key"], secret.Data.Keys.Order());
        var root = X509Certificate2.CreateFromPem(Text(secret, "tls.crt"));
        Assert.Equal(Text(secret, "tls.crt"), Text(secret, "ca.crt"));
        var orders = OrderKeyOf(Text(await mesh.SecretAsync("ambient-orders"), "private-key.pem"));
        Assert.Equal(orders, Text(await mesh.SecretAsync("ambient-orders"), "order-key.pem").Trim());
        Assert.Equal(orders, (await mesh.ConfigMapAsync(mesh.Namespace)).Data["order-key.pem"].Trim());
        foreach (var controller in controllers)
        {
            await using var node = await mesh.ConnectAsync(controller, "a");
            Assert.Equal(root.RawData, Assert.Single(node.Welcome.TrustBundle).ToByteArray());
        }
        Assert.Single(mesh.Log, l => l.Contains("was made"));
        Assert.DoesNotContain(mesh.Log, l => l.Contains("PRIVATE") || l.Contains(KeyLine(secret)));
    }

    [Theory]
    [InlineData("EC")]
    [InlineData("RSA")]
    public async Task The_users_own_intermediate_in_the_layout_of_cert_manager_signs_and_is_never_written(string kind)
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        mesh.Write("mesh.yaml", Shop);
        using var rootKey = KeyOf(kind);
        using var key = KeyOf(kind);
        using var root = Certify("CN=company root", rootKey, null, null);
        using var intermediate = Certify("CN=mesh", key, root, rootKey);
        var given = await GiveAsync(mesh, intermediate, key, root.ExportCertificatePem());
        var controller = await mesh.StartAsync();

        await using var node = await mesh.ConnectAsync(controller, "a");
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await node.AskCertificateAsync(Web, own);
        Assert.Equal("", answer.Refusal);
        Assert.Equal(intermediate.RawData, answer.Chain[1].ToByteArray());
        Assert.True(LeadsTo(answer, root));
        Assert.Equal(root.RawData, Assert.Single(answer.TrustBundle).ToByteArray());

        var refused = await Assert.ThrowsAsync<AuthorityException>(() => ClusterKeys.RotateAsync(() => server.Admin, mesh.Namespace, r => r.Add(), TimeProvider.System, default));
        Assert.Contains("was not made by this controller", refused.Message);
        await mesh.StopAsync(controller);
        Assert.Equal(given.Metadata.ResourceVersion, (await mesh.SecretAsync("ambient-ca")).Metadata.ResourceVersion);
    }

    [Fact]
    public async Task An_authority_that_its_owner_replaces_is_trusted_first_signs_then_and_the_one_before_stays_trusted()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        mesh.Write("mesh.yaml", Shop);
        using var firstKey = KeyOf("EC");
        using var first = Certify("CN=first", firstKey, null, null);
        var secret = await GiveAsync(mesh, first, firstKey, first.ExportCertificatePem());
        var controller = await mesh.StartAsync();
        await using var node = await mesh.ConnectAsync(controller, "a");

        using var nextKey = KeyOf("EC");
        using var next = Certify("CN=next", nextKey, null, null);
        secret.Data["tls.crt"] = Encoding.UTF8.GetBytes(next.ExportCertificatePem());
        secret.Data["tls.key"] = Encoding.UTF8.GetBytes(KeyPem(nextKey));
        secret.Data["ca.crt"] = Encoding.UTF8.GetBytes(next.ExportCertificatePem());
        await server.Admin.CoreV1.ReplaceNamespacedSecretAsync(secret, "ambient-ca", mesh.Namespace);

        TrustBundle? told = null;
        await node.UntilAsync(() => (told = node.Bundle) is { Roots.Count: 2 });
        Assert.Equal(Sorted(first, next), told!.Roots.Select(r => r.ToByteArray()).Select(Convert.ToHexString).Order());
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.True(LeadsTo(await node.AskCertificateAsync(Web, own), first));
        await mesh.LoggedAsync("CN=next signs, 2 roots are trusted");
        // Who starts now finds what still has to be trusted, and the user's Secret is as the user wrote it.
        var other = await mesh.StartAsync();
        await using var again = await mesh.ConnectAsync(other, "a");
        Assert.Equal(Sorted(first, next), again.Welcome.TrustBundle.Select(r => r.ToByteArray()).Select(Convert.ToHexString).Order());
        Assert.True(LeadsTo(await again.AskCertificateAsync(Web, own), next));
        Assert.Equal(["ca.crt", "tls.crt", "tls.key"], (await mesh.SecretAsync("ambient-ca")).Data.Keys.Order());
    }

    [Fact]
    public async Task A_Secret_that_is_no_authority_ends_the_start_and_is_named()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        mesh.Write("mesh.yaml", Shop);
        using var key = KeyOf("EC");
        using var other = KeyOf("EC");
        using var root = Certify("CN=root", key, null, null);
        await GiveAsync(mesh, root, other, root.ExportCertificatePem());
        var fault = await Assert.ThrowsAsync<AuthorityException>(() => mesh.StartAsync());
        Assert.Contains($"Secret {mesh.Namespace}/ambient-ca: the private key does not belong to the first certificate", fault.Message);
    }

    private async Task<V1Secret> GiveAsync(MeshCluster mesh, X509Certificate2 certificate, AsymmetricAlgorithm key, string rootPem) =>
        await server.Admin.CoreV1.CreateNamespacedSecretAsync(new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = "ambient-ca", NamespaceProperty = mesh.Namespace },
            Type = "kubernetes.io/tls",
            Data = new Dictionary<string, byte[]>
            {
                ["tls.crt"] = Encoding.UTF8.GetBytes(certificate.ExportCertificatePem()),
                ["tls.key"] = Encoding.UTF8.GetBytes(KeyPem(key)),
                ["ca.crt"] = Encoding.UTF8.GetBytes(rootPem),
            },
        }, mesh.Namespace);

    private static AsymmetricAlgorithm KeyOf(string kind) => kind == "RSA" ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);

    // As openssl and cert-manager write them: not PKCS #8.
    private static string KeyPem(AsymmetricAlgorithm key) => key is RSA rsa ? rsa.ExportRSAPrivateKeyPem() : ((ECDsa)key).ExportECPrivateKeyPem();

    private static X509Certificate2 Certify(string name, AsymmetricAlgorithm key, X509Certificate2? issuer, AsymmetricAlgorithm? issuerKey)
    {
        var request = key is RSA rsa ? new System.Security.Cryptography.X509Certificates.CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new System.Security.Cryptography.X509Certificates.CertificateRequest(name, (ECDsa)key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        if (issuer is null)
            return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(10));
        var generator = issuerKey is RSA signer ? X509SignatureGenerator.CreateForRSA(signer, RSASignaturePadding.Pkcs1) : X509SignatureGenerator.CreateForECDsa((ECDsa)issuerKey!);
        return request.Create(issuer.SubjectName, generator, now.AddHours(-1), now.AddDays(9), [1, 2, 3]);
    }

    private static bool LeadsTo(CertificateAnswer answer, X509Certificate2 root)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.ExtraStore.AddRange(answer.Chain.Skip(1).Select(c => X509CertificateLoader.LoadCertificate(c.Span)).ToArray());
        return chain.Build(X509CertificateLoader.LoadCertificate(answer.Chain[0].Span));
    }

    private static string OrderKeyOf(string pem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(pem);
        return key.ExportSubjectPublicKeyInfoPem();
    }

    private static IEnumerable<string> Sorted(params X509Certificate2[] roots) => roots.Select(r => Convert.ToHexString(r.RawData)).Order();

    private static string Text(V1Secret secret, string entry) => Encoding.UTF8.GetString(secret.Data[entry]);

    private static string KeyLine(V1Secret secret) => Text(secret, "tls.key").Split('\n')[1];
}
