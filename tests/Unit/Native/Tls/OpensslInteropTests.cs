using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

/// <summary>Against the openssl program in both roles; skipped where it is not installed.</summary>
public sealed class OpensslInteropTests : IDisposable
{
    private const string Program = "/usr/bin/openssl";

    private static readonly TestAuthority Authority = new();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ambient-openssl-");
    private readonly List<Process> _processes = [];

    [Fact]
    public void S_client_talks_to_our_server_and_updates_its_keys()
    {
        using var connection = AcceptFrom(Client("-alpn", "h2"), out var process);

        Assert.True(connection.Handshake() == TlsStep.Done, connection.Session.Failure);
        Assert.Equal("h2", connection.Session.Alpn);
        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/cart"], connection.Session.Peer!.UriSans);
        process.StandardInput.WriteLine("hello");
        Assert.Equal("hello\n", Encoding.ASCII.GetString(connection.ReadExactly(6)));
        process.StandardInput.WriteLine("K");                    // s_client: update my keys and ask for the peer's too
        connection.TakeSilently();                               // it looks for a command at the start of what it reads, so one at a time
        process.StandardInput.WriteLine("after");
        Assert.Equal("after\n", Encoding.ASCII.GetString(connection.ReadExactly(6)));
        connection.Write("answer after the key update\n"u8);
        connection.Close();

        Assert.Contains("answer after the key update", process.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void S_client_without_a_certificate_is_refused()
    {
        using var connection = AcceptFrom(["-tls1_3"], out _);

        Assert.Equal(TlsStep.Failed, connection.Handshake());
        Assert.Equal("the peer showed no certificate", connection.Session.Failure);
    }

    [Fact]
    public void S_client_with_TLS_1_2_only_is_refused()
    {
        using var connection = AcceptFrom(["-tls1_2"], out _);

        Assert.Equal(TlsStep.Failed, connection.Handshake());
        Assert.Equal("the peer does not speak TLS 1.3 (unsupported protocol)", connection.Session.Failure);
    }

    [Theory]
    [InlineData("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "no cipher suite in common with the peer")]
    [InlineData("-groups", "P-521", "no key exchange group in common with the peer")]
    public void S_client_that_offers_nothing_of_ours_is_refused(string option, string value, string reason)
    {
        using var connection = AcceptFrom(Client(option, value), out _);

        Assert.Equal(TlsStep.Failed, connection.Handshake());
        Assert.StartsWith(reason, connection.Session.Failure);
    }

    [Fact]
    public void A_client_that_first_guesses_another_group_is_asked_again()
    {
        using var connection = AcceptFrom(Client("-groups", "P-521:P-256"), out _);

        Assert.True(connection.Handshake() == TlsStep.Done, connection.Session.Failure);
        Assert.Equal("secp256r1", connection.Session.Group);
    }

    [Fact]
    public void Our_client_talks_to_s_server_and_resumes()
    {
        var settings = Authority.Issue();
        Assert.SkipUnless(File.Exists(Program), "There is no openssl program on this machine.");
        using var context = TlsContext.Client(settings);
        int port = FreePort();
        var process = Start(
            "s_server", "-accept", $"127.0.0.1:{port}", "-tls1_3", "-alpn", "h2", "-cert", Pem("leaf.pem", "CERTIFICATE", settings.CertificateChain[0]),
            "-key", Pem("key.pem", "PRIVATE KEY", settings.PrivateKeyPkcs8), "-CAfile", Pem("root.pem", "CERTIFICATE", Authority.Root), "-Verify", "3",
            "-verify_return_error", "-rev");

        TlsTicket? ticket = null;
        for (int round = 0; round < 2; round++)
        {
            using var connection = new TlsOverStream(new TlsSession(context, ticket), Dial(port, process));
            Assert.True(connection.Handshake() == TlsStep.Done, connection.Session.Failure);
            Assert.Equal(round == 1, connection.Session.IsResumed);
            Assert.Equal("h2", connection.Session.Alpn);
            connection.Write("abc\n"u8);
            Assert.Equal("cba\n", Encoding.ASCII.GetString(connection.ReadExactly(4)));
            Assert.True(connection.Session.VerifyPeerChain(out string? reason), reason);
            ticket?.Dispose();
            ticket = connection.Session.TakeTicket();
            Assert.NotNull(ticket);
            connection.Close();
        }
        ticket?.Dispose();
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        _folder.Delete(recursive: true);
    }

    private string[] Client(params string[] more)
    {
        var settings = Authority.Issue();
        return
        [
            "-tls1_3", "-cert", Pem("leaf.pem", "CERTIFICATE", settings.CertificateChain[0]), "-key", Pem("key.pem", "PRIVATE KEY", settings.PrivateKeyPkcs8),
            "-CAfile", Pem("root.pem", "CERTIFICATE", Authority.Root), "-verify_return_error", .. more,
        ];
    }

    private TlsOverStream AcceptFrom(string[] options, out Process process)
    {
        Assert.SkipUnless(File.Exists(Program), "There is no openssl program on this machine.");
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        process = Start(["s_client", "-connect", $"{listener.LocalEndPoint}", "-noservername", .. options]);
        Assert.True(listener.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead), "openssl did not connect");
        var context = TlsContext.Server(Authority.Issue());
        var session = new TlsSession(context);
        context.Dispose();
        return new TlsOverStream(session, TlsOverStream.Stream(listener.Accept()));
    }

    private Process Start(params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _processes.Add(process);
        _ = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        return process;
    }

    private NetworkStream Dial(int port, Process process)
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, port);
                return TlsOverStream.Stream(socket);
            }
            catch (SocketException) when (!process.HasExited)
            {
                socket.Dispose();
                Thread.Yield();
            }
        }
    }

    private string Pem(string name, string label, ReadOnlyMemory<byte> der)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, PemEncoding.WriteString(label, der.Span));
        return path;
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
