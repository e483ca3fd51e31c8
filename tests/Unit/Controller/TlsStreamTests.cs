using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Ambient.Controller.Streams.Tls;
using Ambient.Native.Tls;
using Ambient.Tests.Unit.Native.Tls;

namespace Ambient.Tests.Unit.Controller;

/// <summary>The controller's end of a TLS connection as Kestrel sees it: a stream.</summary>
public sealed class TlsStreamTests : IAsyncDisposable
{
    private static readonly TestAuthority Authority = new();

    private readonly TlsContext _client = TlsContext.Client(Authority.Issue());
    private readonly TlsContext _server = TlsContext.Server(Authority.Issue(tickets: 0) with { DemandsCertificate = false, TrustBundle = [] });
    private readonly Stream _left, _right;
    private readonly TlsOverStream _theirs;
    private readonly TlsStream _ours;

    public TlsStreamTests()
    {
        (_left, _right) = TlsOverStream.Loopback();
        _theirs = new TlsOverStream(new TlsSession(_client), _left);
        _ours = new TlsStream(_server, new Pair(PipeReader.Create(_right), PipeWriter.Create(_right)));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _ours.DisposeAsync();
        _theirs.Dispose();
        await _left.DisposeAsync();
        await _right.DisposeAsync();
        _client.Dispose();
        _server.Dispose();
    }

    [Theory]
    [InlineData(1 << 22)]
    [InlineData(20)]     // new keys after every twentieth record, asked of the other side too
    public async Task What_is_written_in_pieces_of_any_size_arrives_whole_in_both_directions_at_once(int recordsPerKey)
    {
        int seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage("seed {0}", seed);
        byte[] up = RandomNumberGenerator.GetBytes(1 << 20), down = RandomNumberGenerator.GetBytes(1 << 20);
        _theirs.Session.RecordsPerKey = recordsPerKey;
        await ShakeHandsAsync();

        var written = Task.Run(async () =>
        {
            var random = new Random(seed);
            for (int at = 0; at < down.Length;)
            {
                int size = Math.Min(random.Next(1, random.Next(2) == 0 ? 300 : 40_000), down.Length - at);
                await _ours.WriteAsync(down.AsMemory(at, size), Stop);
                await _ours.FlushAsync(Stop);
                at += size;
            }
        }, Stop);
        var read = Task.Run(async () =>
        {
            byte[] got = new byte[up.Length];
            var random = new Random(~seed);
            for (int at = 0; at < got.Length;)
            {
                Assert.Equal(0, await _ours.ReadAsync(Memory<byte>.Empty, Stop));
                int some = await _ours.ReadAsync(got.AsMemory(at, Math.Min(random.Next(1, 5000), got.Length - at)), Stop);
                Assert.NotEqual(0, some);
                at += some;
            }
            return got;
        }, Stop);
        // One thread, as a session wants it: what it writes fits into the sockets' buffers piece by piece.
        var theirs = Task.Run(() =>
        {
            var got = new List<byte>();
            for (int at = 0; at < up.Length; at += 4096)
            {
                _theirs.Write(up.AsSpan(at, 4096));
                got.AddRange(_theirs.ReadExactly(4096));
            }
            return got.ToArray();
        }, Stop);

        Assert.Equal(down, await theirs);
        Assert.Equal(up, await read);
        await written;
    }

    [Fact]
    public async Task A_read_of_nothing_waits_until_there_is_something_and_takes_none_of_it()
    {
        await ShakeHandsAsync();
        var waiting = _ours.ReadAsync(Memory<byte>.Empty, Stop).AsTask();
        Assert.False(waiting.IsCompleted);
        _theirs.Write("hello"u8);
        Assert.Equal(0, await waiting);

        byte[] two = new byte[2], rest = new byte[16];
        Assert.Equal(2, await _ours.ReadAsync(two, Stop));
        Assert.Equal(0, await _ours.ReadAsync(Memory<byte>.Empty, Stop));    // what is decrypted already counts
        Assert.Equal(3, await _ours.ReadAsync(rest, Stop));
        Assert.Equal("hello", Encoding.ASCII.GetString([.. two, .. rest.AsSpan(0, 3)]));
    }

    [Fact]
    public async Task Each_side_hears_the_others_goodbye()
    {
        await ShakeHandsAsync();
        _theirs.Write("last"u8);
        _theirs.Close();
        byte[] got = new byte[16];
        Assert.Equal(4, await _ours.ReadAsync(got, Stop));
        Assert.Equal(0, await _ours.ReadAsync(got, Stop));
        Assert.Equal(0, await _ours.ReadAsync(got, Stop));

        await _ours.CloseAsync(Stop);
        Assert.Equal(TlsStep.PeerClosed, _theirs.Read(new byte[1], out _));
    }

    [Fact]
    public async Task Who_asks_for_new_keys_again_and_again_and_is_told_nothing_is_cut()
    {
        await ShakeHandsAsync();
        _theirs.Session.RecordsPerKey = 0;
        for (int i = 0; i < 100; i++) _theirs.Write("x"u8);
        byte[] got = new byte[4096];
        var fault = await Assert.ThrowsAsync<IOException>(async () =>
        {
            for (int sum = 0; sum < 100;) sum += await _ours.ReadAsync(got, Stop);
        });
        Assert.Contains("again and again", fault.Message);
    }

    [Fact]
    public async Task A_record_that_nobody_could_have_sent_breaks_the_connection()
    {
        await ShakeHandsAsync();
        await _left.WriteAsync(new byte[] { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 }, Stop);
        var fault = await Assert.ThrowsAsync<IOException>(() => _ours.ReadAsync(new byte[16], Stop).AsTask());
        Assert.Contains("bad record mac", fault.Message);
        // Kestrel writes its goodbye all the same; only the reader tells of a fault.
        await _ours.WriteAsync("more"u8.ToArray(), Stop);
        await _ours.CloseAsync(Stop);
        await Assert.ThrowsAsync<IOException>(() => _ours.ReadAsync(new byte[16], Stop).AsTask());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_came_before_an_end_is_read_before_the_end_is_told_though_both_came_at_once(bool isBroken)
    {
        await ShakeHandsAsync();
        byte[] wire = new byte[1024];
        var io = new TlsIo { Output = wire };
        _theirs.Session.Write(ref io, "last"u8, out _);
        _theirs.Session.Close(ref io);
        if (isBroken) wire[io.Written - 1] ^= 1;
        await _left.WriteAsync(wire.AsMemory(0, io.Written), Stop);

        byte[] got = new byte[16];
        Assert.Equal(4, await _ours.ReadAsync(got, Stop));
        if (isBroken) await Assert.ThrowsAsync<IOException>(() => _ours.ReadAsync(got, Stop).AsTask());
        else Assert.Equal(0, await _ours.ReadAsync(got, Stop));
    }

    [Fact]
    public async Task A_message_to_the_session_itself_that_stops_in_its_middle_breaks_the_connection_with_the_next_write()
    {
        Assert.SkipUnless(File.Exists(CuttingClient.Program), "There is no openssl program on this machine.");
        await using var cutting = await CuttingClient.ConnectAsync(_left, () => _ours.HandshakeAsync(Stop), Stop);
        await cutting.SayHandshakeAsync([24, 0, 0, 1]);     // the head of a KeyUpdate (RFC 8446, section 4.6.3) without its byte
        Assert.Equal(0, await _ours.ReadAsync(Memory<byte>.Empty, Stop));
        var reading = _ours.ReadAsync(new byte[16], Stop).AsTask();
        Assert.False(reading.IsCompleted);

        await _ours.WriteAsync("a push"u8.ToArray(), Stop);
        var fault = await Assert.ThrowsAsync<IOException>(() => reading);
        Assert.Contains("in the middle", fault.Message);
    }

    [Theory]
    [InlineData(new byte[0], "")]
    [InlineData(new byte[] { 22, 3, 1 }, "it hung up in the middle of its handshake")]
    public async Task Who_hangs_up_before_the_handshake_is_done_is_told_apart_by_whether_it_said_anything(byte[] said, string reason)
    {
        var handshake = _ours.HandshakeAsync(Stop);
        await _left.WriteAsync(said, Stop);
        await _left.DisposeAsync();
        Assert.Equal(reason, await handshake);
    }

    private async Task ShakeHandsAsync()
    {
        var theirs = Task.Run(_theirs.Handshake, Stop);
        Assert.Null(await _ours.HandshakeAsync(Stop));
        Assert.Equal(TlsStep.Done, await theirs);
    }

    private sealed record Pair(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
