using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Identity;
using Ambient.Tests.Unit.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using TestAuthority = Ambient.Tests.Unit.Engine.TestAuthority;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>Who may answer on an app's port when a tunnel is dialled there: a view may be old, and then it is the app itself.</summary>
public sealed class AppPortDialTests : IDisposable
{
    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api"), Web = SpiffeId.Of("cluster.local", "shop", "web");

    private readonly TestAuthority _authority = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public AppPortDialTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("h2")]
    public async Task An_app_that_speaks_TLS_itself_is_no_tunnel(string? protocol)
    {
        var (reason, detail, hellos) = await DialAsync(async socket =>
        {
            await using var tls = new SslStream(new NetworkStream(socket));
            using var certificate = SelfSigned();
            var options = new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
            };
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await tls.AuthenticateAsServerAsync(options);
                if (await tls.ReadAsync(new byte[1]) == 0) throw new EndOfStreamException();
            });
        });
        Assert.Contains(reason, (RefusalReason[])[RefusalReason.HandshakeFailed, RefusalReason.PeerUntrusted]);
        Assert.Contains("no tunnel here", detail, StringComparison.Ordinal);
        Assert.All(hellos, first => Assert.Equal(22, first));   // nothing but TLS was ever sent: no plaintext
    }

    [Fact]
    public async Task An_app_that_speaks_first_or_hangs_up_is_tried_once_more_and_then_refused_with_a_reason()
    {
        var (reason, detail, hellos) = await DialAsync(async socket =>
        {
            await socket.SendAsync("220 ready\r\n"u8.ToArray());
            await socket.ReceiveAsync(new byte[1]);
        });
        Assert.Equal(RefusalReason.HandshakeFailed, reason);
        Assert.Contains("no tunnel here", detail, StringComparison.Ordinal);
        Assert.Equal(2, hellos.Count);
        Assert.All(hellos, first => Assert.Equal(22, first));
    }

    [Fact]
    public async Task Another_identity_than_the_expected_one_is_no_tunnel()
    {
        var (reason, detail, _) = await DialAsync(loop => ServeTunnel(loop, SpiffeId.Of("cluster.local", "shop", "other")));
        Assert.Equal(RefusalReason.PeerIdentityUnexpected, reason);
        Assert.Contains("no tunnel here", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_second_try_after_a_reset_is_a_tunnel()
    {
        await using var loop = new TestLoop();
        var dialling = Dial(loop);
        using (var first = await _listener.AcceptAsync().WaitAsync(TimeSpan.FromSeconds(10)))
        {
            await first.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10));
            first.LingerState = new LingerOption(true, 0);
        }

        var serving = ServeTunnel(loop, Api);
        var (tls, dialer) = await dialling.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(tls is not null, dialer.Detail);
        Assert.Equal(TunnelEntries.OriginalPortProtocol, tls.Session.Alpn);
        var server = await serving;
        await loop.Run(() =>
        {
            tls.Abort(ConnectionFault.Ended);
            server?.Abort(ConnectionFault.Ended);
        });
    }

    private async Task<(RefusalReason Reason, string Detail, List<byte> Hellos)> DialAsync(Func<Socket, Task> serve)
    {
        await using var loop = new TestLoop();
        var hellos = new List<byte>();
        var dialling = Dial(loop);
        var accepting = Task.Run(async () =>
        {
            while (true)
            {
                using var socket = await _listener.AcceptAsync();
                byte[] first = new byte[1];
                Assert.Equal(1, await socket.ReceiveAsync(first, SocketFlags.Peek).WaitAsync(TimeSpan.FromSeconds(10)));
                hellos.Add(first[0]);
                try
                {
                    await serve(socket);
                }
                catch (SocketException)
                {
                    // the dialler hung up
                }
            }
        });
        var (tls, dialer) = await dialling.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Null(tls);
        _listener.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => accepting);
        return (dialer.Reason, dialer.Detail, hellos);
    }

    private async Task<(RefusalReason Reason, string Detail, int Connections)> DialAsync(Func<TestLoop, Task<TlsConnection?>> serve)
    {
        await using var loop = new TestLoop();
        var dialling = Dial(loop);
        var server = await serve(loop);
        var (tls, dialer) = await dialling.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Null(tls);
        await loop.Run(() => server?.Abort(ConnectionFault.Ended));
        return (dialer.Reason, dialer.Detail, 1);
    }

    private async Task<TlsConnection?> ServeTunnel(TestLoop loop, SpiffeId id)
    {
        var accepted = await _listener.AcceptAsync().WaitAsync(TimeSpan.FromSeconds(10));
        accepted.Blocking = false;
        int fd = (int)accepted.SafeHandle.DangerousGetHandle();
        accepted.SafeHandle.SetHandleAsInvalid(); // the loop closes it
        using var credentials = Credentials(id);
        var done = new TaskCompletionSource<TlsConnection?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.Run(() => TlsConnection.Start(
            loop.Loop, fd, credentials.ServerOf(TunnelEntry.OriginalPort), null, TimeSpan.FromSeconds(10), (tls, isOk) => done.SetResult(isOk ? tls : null)));
        return await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private async Task<(TlsConnection? Tls, LinkDialer Dialer)> Dial(TestLoop loop)
    {
        var done = new TaskCompletionSource<(TlsConnection?, LinkDialer)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var context = new LinkContext(new LinkOptions(), new DataPathMetrics(1).ForLoop(0), TimeProvider.System, NullLogger.Instance);
        var key = new LinkKey("api", (IPEndPoint)_listener.LocalEndPoint!, TunnelEntry.OriginalPort, Api, 1);
        var credentials = Credentials(Web);
        await loop.Run(() => new LinkDialer(
            loop.Loop, key, credentials, new FreshSockets(), context, () => credentials, (dialer, tls) => done.SetResult((tls, dialer))).Start());
        return await done.Task;
    }

    private LinkCredentials Credentials(SpiffeId id)
    {
        var (chain, key) = _authority.Issue(id.ToString());
        var now = TimeProvider.System.GetUtcNow();
        return new LinkCredentials(new Svid(id, 1, [chain], key, now.AddMinutes(-5), now.AddHours(1), [_authority.RootDer]));
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var made = new CertificateRequest("CN=app", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private sealed class FreshSockets : ISocketSource
    {
        public void Take(ISocketTaker taker)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            int fd = (int)socket.SafeHandle.DangerousGetHandle();
            socket.SafeHandle.SetHandleAsInvalid(); // the loop closes it
            taker.OnSocket(fd);
        }

        public void Cancel(ISocketTaker taker)
        {
        }
    }
}
