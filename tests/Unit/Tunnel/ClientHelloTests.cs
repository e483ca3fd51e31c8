using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.NodeProxy.Tunnel;
using Ambient.Tests.Unit.Http2;
using Ambient.Tests.Unit.Inbound;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>What is taken for a ClientHello that offers a protocol, and when.</summary>
public sealed class ClientHelloTests
{
    private const string Ours = TunnelEntries.OriginalPortProtocol;
    private static readonly byte[] Protocol = Encoding.ASCII.GetBytes(Ours);

    [Theory]
    [InlineData(Ours, ClientHelloVerdict.Offered)]
    [InlineData("h2 " + Ours, ClientHelloVerdict.Offered)]
    [InlineData("h2 http/1.1", ClientHelloVerdict.NotOffered)]
    [InlineData("ambient-hbone/11", ClientHelloVerdict.NotOffered)]
    [InlineData(null, ClientHelloVerdict.NotOffered)]
    internal void The_hello_of_a_real_client_offers_what_the_client_was_told_to(string? protocols, ClientHelloVerdict verdict) =>
        Assert.Equal(verdict, Read(Hellos.OfDotnet(protocols)));

    [Theory]
    [InlineData("-tls1_3", Ours, ClientHelloVerdict.Offered)]
    [InlineData("-tls1_2", Ours, ClientHelloVerdict.Offered)]
    [InlineData("-tls1_3", "h2,http/1.1", ClientHelloVerdict.NotOffered)]
    [InlineData("-no_ticket", null, ClientHelloVerdict.NotOffered)]
    internal async Task The_hello_of_the_openssl_program_is_read(string option, string? protocols, ClientHelloVerdict verdict)
    {
        const string Program = "/usr/bin/openssl";
        Assert.SkipUnless(File.Exists(Program), "There is no openssl program on this machine.");
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        string[] alpn = protocols is null ? [] : ["-alpn", protocols];
        using var process = Process.Start(new ProcessStartInfo(Program, ["s_client", "-connect", $"{listener.LocalEndPoint}", option, .. alpn])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        try
        {
            using var server = await listener.AcceptAsync().WaitAsync(TimeSpan.FromSeconds(20));
            var hello = new List<byte>();
            byte[] room = new byte[4096];
            while (Read([.. hello]) == ClientHelloVerdict.Undecided)
            {
                int bytes = await server.ReceiveAsync(room).WaitAsync(TimeSpan.FromSeconds(20));
                Assert.True(bytes > 0, "openssl hung up");
                hello.AddRange(room[..bytes]);
            }

            Assert.Equal(verdict, Read([.. hello]));
        }
        finally
        {
            process.Kill();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16_000)]
    public void Every_prefix_is_undecided_and_the_whole_is_decided_in_records_of_any_size(int fragmentBytes)
    {
        byte[] hello = Hellos.Made(Ours, paddingBytes: 1000, fragmentBytes);
        for (int length = 0; length < hello.Length; length++) Assert.Equal(ClientHelloVerdict.Undecided, Read(hello[..length]));
        Assert.Equal(ClientHelloVerdict.Offered, Read(hello));
        Assert.Equal(ClientHelloVerdict.Offered, Read([.. hello, 20, 3, 3, 0, 1, 1]));   // what follows in another record is of no concern
    }

    [Fact]
    public void A_hello_of_16_KiB_is_read_and_a_longer_one_never()
    {
        int others = Hellos.Made(Ours, paddingBytes: 1).Length - 1;
        byte[] largest = Hellos.Made(Ours, paddingBytes: ClientHelloReader.MaxBytes - others);
        Assert.Equal(ClientHelloReader.MaxBytes, largest.Length);
        Assert.Equal(ClientHelloVerdict.Offered, Read(largest));
        Assert.Equal(ClientHelloVerdict.NotOffered, Read(Hellos.Made(Ours, paddingBytes: ClientHelloReader.MaxBytes - others + 1)));
        // Cut into so many records that their headers alone fill the room: never more than that is asked for.
        byte[] crumbs = Hellos.Made(Ours, paddingBytes: 4000, fragmentBytes: 1);
        Assert.Equal(ClientHelloVerdict.NotOffered, Read(crumbs[..ClientHelloReader.MaxBytes]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("SSH-2.0-x\r\n")]
    [InlineData("\u0016\u0002")]
    [InlineData("\u0016\u0003\u0001\u0000\u0000")]            // an empty record
    [InlineData("\u0016\u0003\u0001\u0000\u0001\u0002")]      // another handshake message
    [InlineData("\u0016\u0003\u0001\u0000\u0004\u0001\u0001\u0000\u0000")]   // 64 KiB announced
    public void What_cannot_become_a_hello_is_known_at_once(string bytes) =>
        Assert.Equal(bytes.Length == 0 ? ClientHelloVerdict.Undecided : ClientHelloVerdict.NotOffered, Read(Encoding.Latin1.GetBytes(bytes)));

    [Fact]
    public void Damaged_hellos_are_read_like_the_slow_twin_reads_them()
    {
        var random = new Random(2026);
        byte[][] seeds = [Hellos.Made(Ours), Hellos.Made("h2"), Hellos.Made(Ours, 300, 40), Hellos.OfDotnet("h2 " + Ours), Hellos.Made(null)];
        var verdicts = new int[3];
        for (int round = 0; round < 60_000; round++)
        {
            var bytes = new List<byte>(seeds[random.Next(seeds.Length)]);
            if (random.Next(10) > 0) Mutations.Apply(random, bytes);
            byte[] hello = [.. bytes];
            var verdict = Read(hello);
            Assert.True(SlowClientHello.Read(hello, Ours) == verdict, $"round {round}: {Convert.ToHexString(hello)}");
            verdicts[(int)verdict]++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"undecided {verdicts[0]}, offered {verdicts[1]}, not offered {verdicts[2]}");
        Assert.All(verdicts, count => Assert.True(count > 1000));
    }

    private static ClientHelloVerdict Read(byte[] bytes) => ClientHelloReader.Read(bytes, Protocol);
}
