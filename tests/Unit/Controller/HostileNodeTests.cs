using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Controller.Streams;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Google.Protobuf;
using Grpc.Core;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Nodes that lie, flood or do not answer: a clear answer, a reason in log and metric, and the others are served.</summary>
public sealed class HostileNodeTests
{
    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");
    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api");

    [Theory]
    [InlineData("another's identity", "not_theirs", "node a")]
    [InlineData("an identity of nobody", "not_theirs", "")]
    [InlineData("an extra DNS name", "bad_request", "bad request")]
    [InlineData("a second URI", "bad_request", "bad request")]
    [InlineData("RSA", "bad_request", "ECDSA P-256")]
    [InlineData("P-384", "bad_request", "ECDSA P-256")]
    [InlineData("a broken signature", "bad_request", "not signed with its own key")]
    [InlineData("a request of 100 KB", "bad_request", "longer than 4096 bytes")]
    [InlineData("another name around it", "bad_request", "another identity than the message")]
    [InlineData("no name around it", "bad_request", "another identity than the message")]
    public async Task A_certificate_request_that_is_not_the_nodes_own_is_refused_with_a_reason(string what, string reason, string text)
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = what switch
        {
            "another's identity" => await node.AskCertificateAsync(Api, key),
            "an identity of nobody" => await node.AskCertificateAsync(SpiffeId.Of("cluster.local", "shop", "nobody"), key),
            "another name around it" => await node.AskCertificateAsync(Api, key, CertificateRequests.Create(key, Web)),
            _ => await AskAsync(what == "no name around it" ? "" : Web.ToString(), Request(what, key)),
        };
        Assert.Contains(text, answer.Refusal);
        Assert.NotEqual("", answer.Refusal);
        Assert.Empty(answer.Chain);
        await rig.LoggedAsync(answer.Refusal);
        Assert.Contains($"ambient_controller_certificates_refused_total{{reason=\"{reason}\"}} 1", await rig.GetAsync("/metrics"));

        // The stream goes on, and gets what it may have.
        Assert.Equal("", (await node.AskCertificateAsync(Web, key)).Refusal);

        async Task<CertificateAnswer> AskAsync(string name, byte[] csr)
        {
            var id = await node.SendAsync(new NodeMessage { CertificateRequest = new() { SpiffeId = name, Csr = ByteString.CopyFrom(csr) } });
            await node.UntilAsync(() => node.Certificates.Any(c => c.RequestId == id));
            return node.Certificates.Single(c => c.RequestId == id);
        }
    }

    [Theory]
    [InlineData("no token", "bad_token", StatusCode.Unauthenticated)]
    [InlineData("a garbled token", "bad_token", StatusCode.Unauthenticated)]
    [InlineData("an expired token", "expired_token", StatusCode.Unauthenticated)]
    [InlineData("another node's token", "other_node", StatusCode.PermissionDenied)]
    [InlineData("no Hello", "bad_hello", StatusCode.InvalidArgument)]
    [InlineData("a giant Hello", "bad_hello", StatusCode.InvalidArgument)]
    [InlineData("another version", "protocol_version", StatusCode.FailedPrecondition)]
    public async Task A_stream_that_may_not_begin_is_refused_with_a_reason_in_log_and_metric(string what, string reason, StatusCode code)
    {
        await using var rig = await ControllerRig.StartAsync();
        var token = what switch
        {
            "no token" => "",
            "a garbled token" => rig.TokenOf("a")[..^3] + "xyz",
            "an expired token" => rig.TokenOf("a", TimeSpan.FromSeconds(-5)),
            "another node's token" => rig.TokenOf("b"),
            _ => rig.TokenOf("a"),
        };
        await using var stream = TestNode.Open(rig.Host.EndPoint, Path.Combine(rig.State, "bundle.pem"), token, "a", "boot");
        try
        {
            await stream.SendAsync(what switch
            {
                "no Hello" => new NodeMessage { Report = new NodeReport() },
                "a giant Hello" => new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = "a", Software = new string('x', 100_000) } },
                "another version" => new NodeMessage { Hello = new Hello { ProtocolVersion = 99, Node = "a" } },
                _ => new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = "a", BootId = "boot" } },
            });
        }
        catch (RpcException)
        {
            // Refused before the first message could be written; the end tells why.
        }
        var end = await stream.EndAsync();
        Assert.Equal(code, end.StatusCode);
        await rig.LoggedAsync(end.Detail);
        Assert.Contains($"ambient_controller_streams_refused_total{{reason=\"{reason}\"}} 1", await rig.GetAsync("/metrics"));
    }

    [Theory]
    [InlineData("the same id")]
    [InlineData("an id that falls")]
    [InlineData("a second Hello")]
    [InlineData("two megabytes")]
    public async Task A_stream_that_breaks_the_order_of_messages_ends_with_a_reason_and_the_others_go_on(string what)
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var other = await rig.ConnectAsync("b");
        await using var node = await rig.ConnectAsync("a");
        var message = what switch
        {
            "a second Hello" => new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = "a" } },
            "two megabytes" => new NodeMessage { Report = new NodeReport { Pod = new PodReport { Uid = "uid-web", Reason = new string('x', 2 << 20) } } },
            _ => new NodeMessage { Report = new NodeReport() },
        };
        try
        {
            if (what is "the same id" or "an id that falls") await node.SendAsync(message, what == "the same id" ? 1u : 0u);
            else await node.SendAsync(message);
        }
        catch (Exception e) when (e is RpcException or IOException)
        {
            // The stream may end while the message is still being written.
        }
        Assert.NotEqual(StatusCode.OK, (await node.EndAsync()).StatusCode);
        await Eventually.Async(
            () => rig.GetAsync("/metrics").Result.Contains("ambient_controller_streams_refused_total{reason=\"bad_message\"} 1"), () => string.Join('\n', rig.Log));
        rig.Write("more.yaml", "{kind: Namespace, apiVersion: v1, metadata: {name: more}}\n---\n{kind: Service, apiVersion: v1, metadata: {name: marker, namespace: more}, spec: {clusterIP: 10.2.0.99, ports: [{port: 80}]}}");
        await other.UntilAsync(() => other.View.ContainsKey("service/more/marker"));
    }

    [Fact]
    public async Task A_node_that_never_acks_or_acks_nonsense_costs_one_view_and_shows_in_the_metrics()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var silent = await rig.ConnectAsync("a");
        await using var other = await rig.ConnectAsync("b");
        silent.AcksByItself = false;
        await silent.UntilAsync(() => silent.Deltas.Count == 1);
        for (var i = 0; i < 200; i++)
            await silent.SendAsync(new NodeMessage { Ack = new Ack { Nonce = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16)), Version = (ulong)i } });
        for (var i = 0; i < 30; i++)
        {
            rig.Write("more.yaml", $"{{kind: Service, apiVersion: v1, metadata: {{name: s{i}, namespace: shop}}, spec: {{clusterIP: 10.2.1.{i + 1}, ports: [{{port: 80}}]}}}}");
            await other.UntilAsync(() => other.View.ContainsKey($"service/shop/s{i}"));
        }

        // Thirty changes later it is still the first view that is out, and the next one is the newest.
        Assert.Single(silent.Deltas);
        var line = (await rig.GetAsync("/metrics")).Split('\n').Single(l => l.StartsWith("ambient_controller_oldest_unacked_seconds ", StringComparison.Ordinal));
        Assert.True(double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) > 0, line);
        await silent.AckAsync(silent.Deltas[0]);
        await silent.UntilAsync(() => silent.Deltas.Count > 1 && !silent.Deltas[^1].More);
        Assert.True(silent.View.ContainsKey("service/shop/s29"));
        Assert.False(silent.View.ContainsKey("service/shop/s28"));
    }

    [Fact]
    public async Task A_node_that_connects_again_and_again_is_slowed_down_and_others_are_not()
    {
        await using var rig = await ControllerRig.StartAsync();
        for (var i = 0; i < NodeStreamService.ConnectBurst; i++)
            (await rig.ConnectAsync("a")).Vanish();
        Status end = default;
        for (var i = 0; i < 20 && end.StatusCode != StatusCode.ResourceExhausted; i++)
        {
            await using var again = TestNode.Open(rig.Host.EndPoint, Path.Combine(rig.State, "bundle.pem"), rig.TokenOf("a"), "a", "boot");
            try
            {
                await again.SendAsync(new NodeMessage { Hello = new Hello { ProtocolVersion = 1, Node = "a", BootId = "boot" } });
            }
            catch (RpcException)
            {
                // Refused before the first message could be written.
            }
            again.Finish();
            end = await again.EndAsync();
        }
        Assert.Equal(StatusCode.ResourceExhausted, end.StatusCode);
        Assert.Contains("try again later", end.Detail);
        Assert.DoesNotContain("ambient_controller_streams_refused_total{reason=\"too_often\"} 0", await rig.GetAsync("/metrics"));
        await using var other = await rig.ConnectAsync("b");
        await other.SettleAsync();
    }

    [Fact]
    public async Task A_thousand_connections_of_one_address_are_held_at_its_share_and_nodes_of_others_are_served()
    {
        await using var rig = await ControllerRig.StartAsync();
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 1_000; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Parse("127.0.0.66"), 0));
                try
                {
                    await socket.ConnectAsync(rig.Host.EndPoint);
                }
                catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
                {
                    // Refused before we looked.
                }
            }
            await Eventually.Async(
                () => !rig.GetAsync("/metrics").Result.Contains("ambient_controller_streams_refused_total{reason=\"address_share\"} 0"), () => string.Join('\n', rig.Log));
            await rig.LoggedAsync($"it has {AddressShares.MaxOfAddress} connections already");
            await using var node = await rig.ConnectAsync("a");
            await node.SettleAsync();
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }
    }

    private static byte[] Request(string what, ECDsa key)
    {
        using var rsa = RSA.Create(2048);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var request = what switch
        {
            "RSA" => new System.Security.Cryptography.X509Certificates.CertificateRequest(new X500DistinguishedName(""), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "P-384" => new System.Security.Cryptography.X509Certificates.CertificateRequest(new X500DistinguishedName(""), p384, HashAlgorithmName.SHA256),
            _ => new System.Security.Cryptography.X509Certificates.CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256),
        };
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(Web.ToString()));
        if (what == "an extra DNS name") names.AddDnsName("ambient-controller");
        if (what == "a second URI") names.AddUri(new Uri(Api.ToString()));
        request.CertificateExtensions.Add(names.Build(critical: true));
        var der = request.CreateSigningRequest();
        if (what == "a broken signature") der[^1] ^= 1;
        return what == "a request of 100 KB" ? [.. der, .. new byte[100_000]] : der;
    }
}
