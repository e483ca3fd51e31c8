using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Controller.Authority;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;

namespace Ambient.Tests.Unit.Controller;

public sealed class CertificateTests : IDisposable
{
    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");
    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api");
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Fact]
    public async Task A_node_gets_a_certificate_for_an_enrolled_pod_of_its_own()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        var now = TimeProvider.System.GetUtcNow();

        var answer = await node.AskCertificateAsync(Web, _key);

        Assert.Equal("", answer.Refusal);
        using var leaf = X509CertificateLoader.LoadCertificate(Assert.Single(answer.Chain).Span);
        using var root = X509CertificateLoader.LoadCertificate(Assert.Single(answer.TrustBundle).Span);
        Assert.True(IdentityExtension.TryRead(leaf.Extensions, out var id, out _));
        Assert.Equal(Web, id);
        Assert.Equal("", leaf.Subject);
        Assert.Equal(_key.ExportSubjectPublicKeyInfo(), leaf.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.True(leaf.Extensions[IdentityExtension.Oid]!.Critical);
        Assert.Equal(X509KeyUsageFlags.DigitalSignature, leaf.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.False(leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
            leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value!).Order());
        Assert.Equal(root.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single().SubjectKeyIdentifierBytes.ToArray(),
            leaf.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().Single().KeyIdentifier!.Value.ToArray());
        Assert.InRange(now.UtcDateTime - leaf.NotBefore.ToUniversalTime(), TimeSpan.FromSeconds(55), TimeSpan.FromSeconds(65));
        Assert.InRange(leaf.NotAfter.ToUniversalTime() - now.UtcDateTime, TimeSpan.FromHours(48) - TimeSpan.FromSeconds(5), TimeSpan.FromHours(48) + TimeSpan.FromSeconds(10));
        Assert.True(LeadsTo(leaf, root));
    }

    [Fact]
    public async Task A_node_gets_no_certificate_for_a_pod_of_another_node()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");

        var answer = await node.AskCertificateAsync(Api, _key);

        Assert.Empty(answer.Chain);
        Assert.Equal("no pod of service account shop/api is placed on node a", answer.Refusal);
        await rig.LoggedAsync("No certificate of spiffe://cluster.local/ns/shop/sa/api for node a");
    }

    [Fact]
    public async Task A_node_gets_no_certificate_for_a_pod_that_is_not_enrolled()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop.Replace("\"true\"", "\"false\""));
        await using var node = await rig.ConnectAsync("a");
        Assert.Contains("is enrolled", (await node.AskCertificateAsync(Web, _key)).Refusal);
    }

    [Fact]
    public async Task A_node_gets_no_certificate_for_a_host_network_pod()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop.Replace("serviceAccountName: web", "serviceAccountName: web, hostNetwork: true"));
        await using var node = await rig.ConnectAsync("a");
        Assert.Contains("is placed on node a", (await node.AskCertificateAsync(Web, _key)).Refusal);
    }

    [Fact]
    public async Task A_node_gets_no_certificate_of_another_trust_domain()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        Assert.Contains("trust domain elsewhere.example",
            (await node.AskCertificateAsync(SpiffeId.Of("elsewhere.example", "shop", "web"), _key)).Refusal);
    }

    [Fact]
    public async Task A_request_that_is_garbage_or_names_another_identity_is_refused_and_the_stream_goes_on()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");

        Assert.Contains("bad request", (await node.AskCertificateAsync(Web, _key, [])).Refusal);
        Assert.Contains("bad request", (await node.AskCertificateAsync(Web, _key, [0x30, 0x03, 1, 2, 3])).Refusal);
        Assert.Contains("another identity", (await node.AskCertificateAsync(Web, _key, CertificateRequests.Create(_key, Api))).Refusal);
        Assert.Equal("", (await node.AskCertificateAsync(Web, _key)).Refusal);
    }

    [Fact]
    public async Task A_node_that_asks_without_end_is_slowed_down_and_connecting_again_does_not_help()
    {
        await using var rig = await ControllerRig.StartAsync();
        var node = await rig.ConnectAsync("a");
        var csr = CertificateRequests.Create(_key, Web);
        for (var i = 0; i < CertificateDesk.Burst + 200; i++)
        {
            await node.SendAsync(new NodeMessage
            {
                CertificateRequest = new() { SpiffeId = Web.ToString(), Csr = Google.Protobuf.ByteString.CopyFrom(csr) },
            });
            if (i % 50 == 49) // the controller stops reading from a node that does not read its answers
                await node.UntilAsync(() => node.Certificates.Count > i - 5);
        }
        await node.UntilAsync(() => node.Certificates.Count == CertificateDesk.Burst + 200);
        Assert.True(node.Certificates.Count(c => c.Refusal.Contains("try again later")) > 50);
        await node.DisposeAsync();

        await using var again = await rig.ConnectAsync("a");
        for (var i = 0; i < 100; i++)
            await again.AskCertificateAsync(Web, _key, csr);
        Assert.Contains(again.Certificates, c => c.Refusal.Contains("try again later"));
    }

    [Fact]
    public async Task A_short_lifetime_is_back_dated_by_a_tenth_so_that_half_of_it_still_lies_ahead()
    {
        await using var rig = await ControllerRig.StartAsync(with: o => o with { LeafLifetime = TimeSpan.FromSeconds(20) });
        await using var node = await rig.ConnectAsync("a");
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;

        using var leaf = X509CertificateLoader.LoadCertificate((await node.AskCertificateAsync(Web, _key)).Chain[0].Span);

        Assert.InRange(now - leaf.NotBefore.ToUniversalTime(), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        Assert.InRange(leaf.NotAfter.ToUniversalTime() - now, TimeSpan.FromSeconds(17), TimeSpan.FromSeconds(25));
    }

    [Fact]
    public async Task An_authority_that_was_given_signs_and_its_intermediate_goes_with_the_leaf()
    {
        var folder = Directory.CreateTempSubdirectory("ambient-ca-").FullName;
        try
        {
            using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var root = AuthorityOf("CN=root", rootKey, rootKey, null);
            using var intermediate = AuthorityOf("CN=intermediate", key, rootKey, root);
            File.WriteAllText(Path.Combine(folder, "ca.pem"), intermediate.ExportCertificatePem() + "\n" + root.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());

            await using var rig = await ControllerRig.StartAsync(with: o => o with
            {
                CaCertificate = Path.Combine(folder, "ca.pem"),
                CaKey = Path.Combine(folder, "key.pem"),
            });
            Assert.Equal(root.ExportCertificatePem(), (await File.ReadAllTextAsync(Path.Combine(rig.State, "bundle.pem"))).Trim());
            await using var node = await rig.ConnectAsync("a"); // by TLS with the same authority
            var answer = await node.AskCertificateAsync(Web, _key);

            Assert.Equal(2, answer.Chain.Count);
            Assert.Equal(intermediate.RawData, answer.Chain[1].ToByteArray());
            using var leaf = X509CertificateLoader.LoadCertificate(answer.Chain[0].Span);
            Assert.True(LeadsTo(leaf, root, intermediate));
            Assert.Equal("CN=intermediate", leaf.Issuer);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Authorities_that_cannot_work_are_named_before_they_sign()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = AuthorityOf("CN=root", key, key, null);
        using var intermediate = AuthorityOf("CN=intermediate", other, key, root);

        Assert.Contains("does not belong", FaultOf(root.ExportCertificatePem(), other.ExportPkcs8PrivateKeyPem()));
        Assert.Contains("end with its root", FaultOf(intermediate.ExportCertificatePem(), other.ExportPkcs8PrivateKeyPem()));
        Assert.Contains("in PEM", FaultOf("nothing", key.ExportPkcs8PrivateKeyPem()));
        Assert.Contains("in PEM", FaultOf(root.ExportCertificatePem(), "nothing"));

        var leaf = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256);
        using var noAuthority = leaf.CreateSelfSigned(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddDays(1));
        Assert.Contains("no authority", FaultOf(noAuthority.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()));

        using var namesake = AuthorityOf("CN=root", other, other, null);
        Assert.Contains("does not lead", FaultOf(
            AuthorityOf("CN=intermediate", key, key, root).ExportCertificatePem() + "\n" + namesake.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()));
    }

    private static string FaultOf(string certificate, string key) =>
        Assert.Throws<AuthorityException>(() => AuthorityKeys.Read(certificate, key, "ca.pem")).Message;

    private static bool LeadsTo(X509Certificate2 leaf, X509Certificate2 root, params X509Certificate2[] between)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.ExtraStore.AddRange(between);
        return chain.Build(leaf);
    }

    private static X509Certificate2 AuthorityOf(string name, ECDsa key, ECDsa issuerKey, X509Certificate2? issuer)
    {
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        return request.Create(issuer?.SubjectName ?? request.SubjectName, X509SignatureGenerator.CreateForECDsa(issuerKey),
            now.AddHours(-1), now.AddDays(10), [1, 2, 3]);
    }
}
