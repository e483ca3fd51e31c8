using System.Security.Cryptography;
using Ambient.Native.Tls;
using Xunit;

namespace Ambient.Tests.Unit.Native.Tls;

public sealed class TlsSessionTests
{
    private static readonly TestAuthority Authority = new();

    private readonly TlsContext _client = TlsContext.Client(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/cart"]));
    private readonly TlsContext _server = TlsContext.Server(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/orders"]));

    [Fact]
    public void Both_sides_know_each_other_and_what_they_agreed_on()
    {
        using var pair = TlsPair.Established(_client, _server);

        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/orders"], pair.Client.Peer!.UriSans);
        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/cart"], pair.Server.Peer!.UriSans);
        foreach (var session in new[] { pair.Client, pair.Server })
        {
            Assert.Equal("h2", session.Alpn);
            Assert.Equal("TLS_AES_128_GCM_SHA256", session.CipherSuite);
            Assert.Contains(session.Group, new[] { "x25519", "X25519MLKEM768" });
            Assert.False(session.IsResumed);
            Assert.Null(session.Failure);
            Assert.True(session.VerifyPeerChain(out string? reason), reason);
            Assert.True(session.VerifyPeerChain(out reason), reason);
        }
    }

    [Fact]
    public void Before_the_handshake_nothing_is_known_and_nothing_may_be_sent()
    {
        using var pair = new TlsPair(_client, _server);

        Assert.Null(pair.Client.Peer);
        Assert.Null(pair.Client.Alpn);
        Assert.Null(pair.Client.CipherSuite);
        Assert.Null(pair.Client.Group);
        Assert.False(pair.Client.VerifyPeerChain(out string? reason));
        Assert.Equal("the handshake is not done", reason);
        Assert.Throws<InvalidOperationException>(() => pair.Write(fromClient: true, "x"u8));
        Assert.Throws<InvalidOperationException>(() => pair.Read(atClient: true, new byte[1], out _));
        Assert.Equal(TlsStep.Done, pair.Close(fromClient: true));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16 << 10)]
    public void Bytes_cross_in_both_directions_however_the_ciphertext_is_cut(int fragmentBytes)
    {
        using var pair = TlsPair.Established(_client, _server, fragmentBytes: fragmentBytes);
        byte[] bytes = RandomNumberGenerator.GetBytes(40_000);

        pair.Write(fromClient: true, bytes);
        pair.Write(fromClient: false, bytes.AsSpan(100));

        Assert.Equal(bytes, pair.ReadExactly(atClient: false, bytes.Length));
        Assert.Equal(bytes[100..], pair.ReadExactly(atClient: true, bytes.Length - 100));
    }

    [Fact]
    public void The_ClientHello_names_no_server()
    {
        using var pair = new TlsPair(_client, _server) { Recording = new MemoryStream() };
        pair.Handshake();

        byte[] hello = pair.Recording.ToArray();
        Assert.DoesNotContain(0, Extensions(hello));           // server_name, RFC 6066 section 3
        Assert.Contains(16, Extensions(hello));                // ALPN, as a check of the reader
        Assert.DoesNotContain(42, Extensions(hello));          // early_data
    }

    [Fact]
    public void A_write_never_needs_more_room_than_it_promises()
    {
        using var pair = TlsPair.Established(_client, _server);
        foreach (int length in new[] { 1, 16_384, 16_385, 65_536, 100_000 })
        {
            byte[] plaintext = new byte[length];
            var io = new TlsIo { Output = new byte[length + (64 * ((length + 16_383) / 16_384)) + 1024] };
            Assert.Equal(TlsStep.Done, pair.Client.Write(ref io, plaintext, out int consumed));
            Assert.Equal(length, consumed);
            pair.Deliver(fromClient: true, io.Output[..io.Written]);
            pair.ReadExactly(atClient: false, length);
        }
    }

    [Fact]
    public void A_write_without_room_takes_what_fits_and_goes_on_later()
    {
        using var pair = TlsPair.Established(_client, _server);
        byte[] plaintext = RandomNumberGenerator.GetBytes(50_000);
        int sent = 0, calls = 0;
        while (sent < plaintext.Length)
        {
            var io = new TlsIo { Output = new byte[calls++ % 2 == 0 ? 200 : 20_000] };
            var step = pair.Client.Write(ref io, plaintext[sent..], out int consumed);     // another array each time: buffers move
            Assert.Equal(sent + consumed == plaintext.Length ? TlsStep.Done : TlsStep.NeedOutput, step);
            sent += consumed;
            pair.Deliver(fromClient: true, io.Output[..io.Written]);
        }

        Assert.True(calls > 4);
        Assert.Equal(plaintext, pair.ReadExactly(atClient: false, plaintext.Length));
    }

    [Fact]
    public void One_read_takes_several_records_and_leaves_what_does_not_fit()
    {
        using var pair = TlsPair.Established(_client, _server);
        byte[] output = new byte[4096];
        var sent = new TlsIo { Output = output };
        pair.Client.Write(ref sent, "first "u8, out _);
        pair.Client.Write(ref sent, "second "u8, out _);
        pair.Client.Write(ref sent, "third"u8, out _);

        var io = new TlsIo { Input = output.AsSpan(0, sent.Written), Output = new byte[1024] };
        byte[] plaintext = new byte[9];
        Assert.Equal(TlsStep.Done, pair.Server.Read(ref io, plaintext, out int produced));
        Assert.Equal("first sec"u8.ToArray(), plaintext[..produced]);
        Assert.True(io.Consumed < sent.Written);
        Assert.Equal(TlsStep.Done, pair.Server.Read(ref io, plaintext, out produced));
        Assert.Equal("ond third"u8.ToArray(), plaintext[..produced]);
        Assert.Equal(sent.Written, io.Consumed);
        Assert.Equal(TlsStep.NeedInput, pair.Server.Read(ref io, plaintext, out produced));
        Assert.Equal(0, produced);
    }

    [Fact]
    public void A_close_ends_one_direction_and_the_other_goes_on()
    {
        using var pair = TlsPair.Established(_client, _server);
        pair.Write(fromClient: true, "last words"u8);

        Assert.Equal(TlsStep.Done, pair.Close(fromClient: true));
        Assert.Equal(TlsStep.Done, pair.Close(fromClient: true));
        Assert.Throws<InvalidOperationException>(() => pair.Write(fromClient: true, "x"u8));

        byte[] plaintext = new byte[100];
        Assert.Equal(TlsStep.PeerClosed, pair.Read(atClient: false, plaintext, out int produced));
        Assert.Equal("last words"u8.ToArray(), plaintext[..produced]);
        Assert.Equal(TlsStep.PeerClosed, pair.Read(atClient: false, plaintext, out _));
        pair.Write(fromClient: false, "answer"u8);
        Assert.Equal("answer"u8.ToArray(), pair.ReadExactly(atClient: true, 6));
        Assert.Equal(TlsStep.Done, pair.Close(fromClient: false));
        Assert.Equal(TlsStep.PeerClosed, pair.Read(atClient: true, plaintext, out _));
    }

    [Fact]
    public void A_close_without_room_waits_for_it()
    {
        using var pair = TlsPair.Established(_client, _server);
        var io = new TlsIo { Output = new byte[3] };

        Assert.Equal(TlsStep.NeedOutput, pair.Client.Close(ref io));
        pair.Deliver(fromClient: true, io.Output[..io.Written]);
        Assert.Equal(TlsStep.Done, pair.Close(fromClient: true));

        Assert.Equal(TlsStep.PeerClosed, pair.Read(atClient: false, new byte[1], out _));
    }

    [Fact]
    public void A_busy_session_changes_its_keys_by_itself_in_both_directions()
    {
        using var pair = TlsPair.Established(_client, _server, fragmentBytes: 100);
        pair.Client.RecordsPerKey = pair.Server.RecordsPerKey = 7;
        byte[] bytes = RandomNumberGenerator.GetBytes(50);
        for (int i = 0; i < 60; i++)
        {
            pair.Write(fromClient: true, bytes);
            if (i % 3 == 0) pair.Write(fromClient: false, bytes);
            Assert.Equal(bytes, pair.ReadExactly(atClient: false, bytes.Length));
            if (i % 3 == 0) Assert.Equal(bytes, pair.ReadExactly(atClient: true, bytes.Length));
        }

        var overheads = new HashSet<int>();
        for (int i = 0; i < 20; i++)
        {
            var io = new TlsIo { Output = new byte[1000] };
            pair.Client.Write(ref io, bytes, out _);
            overheads.Add(io.Written - bytes.Length);
            pair.Deliver(fromClient: true, io.Output[..io.Written]);
            pair.ReadExactly(atClient: false, bytes.Length);
        }
        Assert.Equal([22, 22 + 27], overheads.Order());           // 27: record, message header and body of a key update
    }

    [Fact]
    public void An_answer_to_a_key_update_waits_for_room_and_goes_with_the_next_write()
    {
        using var pair = TlsPair.Established(_client, _server);
        byte[] cipher = new byte[4096], plaintext = new byte[100];
        var sent = new TlsIo { Output = cipher };
        pair.Client.RecordsPerKey = 0;
        pair.Client.Write(ref sent, "new key"u8, out _);
        pair.Client.RecordsPerKey = 1 << 22;

        // libssl may answer at once or with the next write; without room for output neither may lose anything.
        var io = new TlsIo { Input = cipher.AsSpan(0, sent.Written) };
        var step = pair.Server.Read(ref io, plaintext, out int produced);
        Assert.True(step is TlsStep.Done or TlsStep.NeedOutput, $"{step}");
        pair.Write(fromClient: false, "answer"u8);
        if (step == TlsStep.NeedOutput) pair.Server.Read(ref io, plaintext, out produced);

        Assert.Equal("new key"u8.ToArray(), plaintext[..produced]);
        Assert.Equal("answer"u8.ToArray(), pair.ReadExactly(atClient: true, 6));
        pair.Write(fromClient: false, "more"u8);
        Assert.Equal("more"u8.ToArray(), pair.ReadExactly(atClient: true, 4));
    }

    [Fact]
    public void A_close_right_after_a_key_update_is_a_close()
    {
        using var pair = TlsPair.Established(_client, _server);
        pair.Client.RecordsPerKey = 0;
        pair.Write(fromClient: true, "new key"u8);
        pair.ReadExactly(atClient: false, 7);

        Assert.True(pair.Close(fromClient: false) == TlsStep.Done, pair.Server.Failure);

        Assert.Equal(TlsStep.PeerClosed, pair.Read(atClient: true, new byte[1], out _));
    }

    [Fact]
    public void Positions_outside_of_the_spans_are_a_bug_of_the_caller()
    {
        using var pair = TlsPair.Established(_client, _server);
        Assert.Throws<ArgumentOutOfRangeException>(() => Read(new TlsIo { Consumed = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Read(new TlsIo { Consumed = -1, Input = new byte[1] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Read(new TlsIo { Written = 1 }));
        Assert.Throws<ArgumentException>(() => pair.Read(atClient: true, [], out _));

        void Read(TlsIo io) => pair.Server.Read(ref io, new byte[1], out _);
    }

    [Fact]
    public void Two_hundred_megabytes_arrive_as_they_were_sent()
    {
        using var pair = TlsPair.Established(_client, _server);
        byte[] plaintext = new byte[60_000];
        byte[] received = new byte[60_000];
        using var sentHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var receivedHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var random = new Random(42);
        for (long sent = 0; sent < 200_000_000;)
        {
            int length = random.Next(1, plaintext.Length + 1);
            random.NextBytes(plaintext.AsSpan(0, Math.Min(length, 64)));
            sentHash.AppendData(plaintext.AsSpan(0, length));
            pair.Write(fromClient: sent % 2 == 0, plaintext.AsSpan(0, length));
            pair.Read(atClient: sent % 2 != 0, received.AsSpan(0, length), out int produced);
            Assert.Equal(length, produced);
            receivedHash.AppendData(received.AsSpan(0, length));
            sent += length;
        }

        Assert.Equal(sentHash.GetHashAndReset(), receivedHash.GetHashAndReset());
    }

    [Fact]
    public void Steady_reading_and_writing_allocates_nothing()
    {
        using var pair = TlsPair.Established(_client, _server);
        byte[] plaintext = new byte[20_000], cipher = new byte[32_000], received = new byte[20_000];
        Exchange(500);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(500);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Exchange(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                var sent = new TlsIo { Output = cipher };
                pair.Client.Write(ref sent, plaintext, out _);
                var io = new TlsIo { Input = cipher.AsSpan(0, sent.Written), Output = plaintext };
                while (pair.Server.Read(ref io, received, out _) == TlsStep.Done) { }
            }
        }
    }

    private static List<int> Extensions(byte[] hello)
    {
        // Record 5, handshake 4, version 2, random 32, then three vectors before the extensions (RFC 8446 section 4.1.2).
        int at = 5 + 4 + 2 + 32;
        at += 1 + hello[at];
        at += 2 + (hello[at] << 8 | hello[at + 1]);
        at += 1 + hello[at];
        int end = at + 2 + (hello[at] << 8 | hello[at + 1]);
        var types = new List<int>();
        for (at += 2; at < end; at += 4 + (hello[at + 2] << 8 | hello[at + 3]))
            types.Add(hello[at] << 8 | hello[at + 1]);
        return types;
    }
}
