using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using CertificateRequest = Ambient.Protocol.Discovery.V1.CertificateRequest;

namespace Ambient.Tests.Unit.Controller;

/// <summary>A node with a real gRPC client over TLS that does what a test tells it, and keeps the view as a node would.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<NodeMessage, ControllerMessage> _call;
    private readonly string _name;
    private readonly string _boot;
    private readonly CancellationTokenSource _patience = new(Patience);
    private ulong _lastId;

    private TestNode(GrpcChannel channel, AsyncDuplexStreamingCall<NodeMessage, ControllerMessage> call, string name, string boot)
    {
        _channel = channel;
        _call = call;
        _name = name;
        _boot = boot;
    }

    internal Welcome Welcome { get; private set; } = new();

    internal Dictionary<string, Resource> View { get; } = [];

    internal ulong Version { get; private set; }

    internal List<Delta> Deltas { get; } = [];

    internal List<SignedOrder> Orders { get; } = [];

    /// <summary>The roots as it was told last, since its welcome; null if it was not.</summary>
    internal TrustBundle? Bundle { get; private set; }

    internal List<CertificateAnswer> Certificates { get; } = [];

    /// <summary>Whether deltas are acked as they come.</summary>
    internal bool AcksByItself { get; set; } = true;

    internal static async Task<TestNode> ConnectAsync(IPEndPoint controller, string bundle, string token, string name, string boot, string epoch, ulong version,
        ByteString? fingerprint = null)
    {
        var node = Open(controller, bundle, token, name, boot);
        await node.SendAsync(new NodeMessage
        {
            Hello = new Hello
            {
                ProtocolVersion = 1, Node = name, BootId = boot, HeldEpoch = epoch, HeldVersion = version, HeldFingerprint = fingerprint ?? ByteString.Empty,
                Software = "test/1", Capabilities = { "tunnel-on-original-port" },
            },
        });
        var welcome = await node.ReadAsync();
        Assert.Equal(ControllerMessage.BodyOneofCase.Welcome, welcome.BodyCase);
        node.Welcome = welcome.Welcome;
        return node;
    }

    /// <summary>Opens a stream and says nothing yet.</summary>
    internal static TestNode Open(IPEndPoint controller, string bundle, string token, string name, string boot)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(bundle);
        var channel = GrpcChannel.ForAddress("https://ambient-controller", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await socket.ConnectAsync(controller, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
                SslOptions = new SslClientAuthenticationOptions
                {
                    CertificateChainPolicy = new X509ChainPolicy
                    {
                        TrustMode = X509ChainTrustMode.CustomRootTrust,
                        RevocationMode = X509RevocationMode.NoCheck,
                        CustomTrustStore = { roots[0] },
                    },
                },
            },
            DisposeHttpClient = true,
        });
        var headers = new Metadata();
        if (token.Length > 0)
            headers.Add("authorization", $"Bearer {token}");
        return new TestNode(channel, new NodeDiscovery.NodeDiscoveryClient(channel).Connect(headers), name, boot);
    }

    internal async Task<ulong> SendAsync(NodeMessage message)
    {
        message.Id = ++_lastId;
        await _call.RequestStream.WriteAsync(message);
        return message.Id;
    }

    /// <summary>Sends a message under an id that is not its turn.</summary>
    internal Task SendAsync(NodeMessage message, ulong id)
    {
        message.Id = id;
        return _call.RequestStream.WriteAsync(message);
    }

    /// <summary>Says that it has nothing more to say.</summary>
    internal void Finish() => _ = _call.RequestStream.CompleteAsync().ContinueWith(_ => { }, TaskScheduler.Default);

    internal Task ReportAsync(string uid, PodPhase phase, string reason = "") =>
        SendAsync(new NodeMessage { Report = new NodeReport { Pod = new PodReport { Uid = uid, Phase = phase, Reason = reason } } });

    internal Task AckAsync(Delta delta) => SendAsync(new NodeMessage { Ack = new Ack { Nonce = delta.Nonce, Version = delta.Version } });

    internal Task NackAsync(Delta delta, string reason) =>
        SendAsync(new NodeMessage { Nack = new Nack { Nonce = delta.Nonce, Version = delta.Version, Reason = reason } });

    /// <summary>Takes the next message of any kind, and does with it what a node does.</summary>
    internal async Task<ControllerMessage> ReadAsync()
    {
        Assert.True(await _call.ResponseStream.MoveNext(_patience.Token), "the stream has ended");
        var message = _call.ResponseStream.Current;
        switch (message.BodyCase)
        {
            case ControllerMessage.BodyOneofCase.Delta:
                Apply(message.Delta);
                if (AcksByItself && !message.Delta.More)
                    await AckAsync(message.Delta);
                break;
            case ControllerMessage.BodyOneofCase.Order:
                Orders.Add(message.Order);
                break;
            case ControllerMessage.BodyOneofCase.Certificate:
                Certificates.Add(message.Certificate);
                break;
            case ControllerMessage.BodyOneofCase.TrustBundle:
                Bundle = message.TrustBundle;
                break;
            default:
                break;
        }
        return message;
    }

    /// <summary>Reads on until something holds.</summary>
    internal async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
            await ReadAsync();
    }

    internal Task UntilStateAsync(string uid, EnrolmentState state) => UntilAsync(() => StateOf(uid) == state);

    /// <summary>Reads on until the view is there and no change that this node's coming made is still on its way.</summary>
    internal Task SettleAsync() => UntilAsync(() => Deltas.Count > 0 && !Deltas[^1].More
        && View.Values.Where(r => r.Workload?.Node == _name).All(r => r.Workload.Capabilities.Count == 1));

    internal EnrolmentState? StateOf(string uid) => View.GetValueOrDefault($"workload/{uid}")?.Workload.Enrolment;

    /// <summary>Reads on until an order lists exactly these pods.</summary>
    internal async Task<CaptureOrder> UntilOrderedAsync(string orderKeyFile, params string[] uids)
    {
        var verifier = OrderVerifier.FromPem(await File.ReadAllTextAsync(orderKeyFile));
        CaptureOrder? last = null;
        var seen = 0;
        await UntilAsync(() =>
        {
            for (; seen < Orders.Count; seen++)
            {
                Assert.True(verifier.TryOpen(Orders[seen], _name, _boot, last?.Version ?? 0, TimeProvider.System.GetUtcNow(), out var order, out var reason), reason);
                last = order;
            }
            return last is not null && last.Pods.Select(p => p.Uid).SequenceEqual(uids);
        });
        return last!;
    }

    internal async Task<CertificateAnswer> AskCertificateAsync(SpiffeId id, ECDsa key, byte[]? csr = null)
    {
        var request = await SendAsync(new NodeMessage
        {
            CertificateRequest = new CertificateRequest { SpiffeId = id.ToString(), Csr = ByteString.CopyFrom(csr ?? CertificateRequests.Create(key, id)) },
        });
        await UntilAsync(() => Certificates.Any(c => c.RequestId == request));
        return Certificates.Single(c => c.RequestId == request);
    }

    /// <summary>Reads on until the controller ends the stream, and says how.</summary>
    internal async Task<Status> EndAsync()
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(_patience.Token))
            {
            }
            return _call.GetStatus();
        }
        catch (RpcException e)
        {
            return e.Status;
        }
    }

    /// <summary>Ends without a word.</summary>
    internal void Vanish()
    {
        _call.Dispose();
        _channel.Dispose();
        _patience.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The stream has ended already.
        }
        _call.Dispose();
        _channel.Dispose();
        _patience.Dispose();
    }

    private void Apply(Delta delta)
    {
        if (delta.Full && (Deltas.Count == 0 || !Deltas[^1].More))
            View.Clear();
        Deltas.Add(delta);
        foreach (var resource in delta.Upserts)
        {
            Assert.True(ResourceReader.TryRead(resource, out _, out var reason), reason);
            View[resource.Key] = resource;
        }
        foreach (var key in delta.Removals)
            View.Remove(key);
        Version = delta.Version;
    }
}
