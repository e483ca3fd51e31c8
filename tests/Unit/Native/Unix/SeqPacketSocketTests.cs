using Ambient.Native.Descriptors;
using Ambient.Native.Processes;
using Ambient.Native.Unix;
using Xunit;

namespace Ambient.Tests.Unit.Native.Unix;

public sealed class SeqPacketSocketTests
{
    [Fact]
    public void Packets_keep_their_borders_and_their_order()
    {
        var (left, right) = SeqPacketSocket.Pair();
        using (left)
        using (right)
        {
            Assert.True(left.TrySend([1, 2, 3], [], out _));
            Assert.True(left.TrySend([4], [], out _));

            var buffer = new byte[16];
            Assert.Equal(3, right.Receive(buffer, []).Bytes);
            Assert.Equal(1, right.Receive(buffer, []).Bytes);
            Assert.Equal(4, buffer[0]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(SeqPacketSocket.MaxDescriptors)]
    public void Descriptors_arrive_beside_their_packet_as_copies_closed_on_exec(int count)
    {
        var (left, right) = SeqPacketSocket.Pair();
        using var memory = SealedMemory.Create("test", [42]);
        using (left)
        using (right)
        {
            Assert.True(left.TrySend([7], Enumerable.Repeat(memory.Number, count).ToArray(), out var error), error.ToString());
            var received = new List<Descriptor>();
            var result = right.Receive(new byte[16], received);

            Assert.True(result.IsPacket);
            Assert.False(result.Truncated);
            Assert.Equal(count, received.Count);
            Assert.DoesNotContain(received, d => d.Number == memory.Number);
            Assert.True(SealedMemory.TryRead(received[^1], 10, out byte[] content, out _));
            Assert.Equal([42], content);
            Assert.Contains("flags:\t02", FlagsOf(received[0]), StringComparison.Ordinal);
            received.ForEach(d => d.Dispose());
        }
    }

    [Fact]
    public void A_packet_longer_than_the_buffer_is_reported_as_truncated_and_the_next_one_is_whole()
    {
        var (left, right) = SeqPacketSocket.Pair();
        using (left)
        using (right)
        {
            Assert.True(left.TrySend(new byte[100], [], out _));
            Assert.True(left.TrySend([9], [], out _));

            var first = right.Receive(new byte[10], []);
            Assert.True(first.Truncated);
            Assert.Equal(10, first.Bytes);
            var second = right.Receive(new byte[10], []);
            Assert.False(second.Truncated);
            Assert.Equal(1, second.Bytes);
        }
    }

    [Fact]
    public void A_closed_peer_is_the_end_for_the_reader_and_an_error_for_the_writer()
    {
        var (left, right) = SeqPacketSocket.Pair();
        using (right)
        {
            left.Dispose();
            Assert.True(right.Receive(new byte[10], []).IsEnd);
            Assert.False(right.TrySend([1], [], out var error));
            Assert.Equal(Errno.BrokenPipe, error);
        }
    }

    [Fact]
    public void A_non_blocking_socket_says_would_block_when_nothing_waits_and_when_the_queue_is_full()
    {
        var (left, right) = SeqPacketSocket.Pair();
        using (left)
        using (right)
        {
            left.SetNonBlocking(true);
            right.SetNonBlocking(true);
            Assert.True(right.Receive(new byte[10], []).WouldBlock);

            Errno error;
            while (left.TrySend(new byte[1000], [], out error)) { }
            Assert.Equal(Errno.WouldBlock, error);
        }
    }

    [Fact]
    public void A_listener_gives_connections_whose_peer_is_known_and_its_path_is_open_to_its_owner_alone()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("ambient-test").FullName, "s");
        try
        {
            using var stale = SeqPacketListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, Credentials.UserId);
            stale.Dispose();
            using var listener = SeqPacketListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, Credentials.UserId);
            Assert.False(listener.TryAccept(out _, out var none));
            Assert.Equal(Errno.WouldBlock, none);

            using var client = SeqPacketSocket.Connect(path);
            Assert.True(listener.TryAccept(out var server, out _));
            using (server)
            {
                Assert.Equal(Credentials.UserId, server!.PeerCredentials.UserId);
                Assert.Equal(Environment.ProcessId, server.PeerCredentials.ProcessId);
                Assert.True(client.TrySend([5], [], out _));
                Assert.Equal(1, server.Receive(new byte[4], []).Bytes);
            }
#pragma warning disable CA1416 // Linux only, as the whole product.
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
#pragma warning restore CA1416
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void A_path_too_long_for_a_unix_socket_is_refused_by_name()
    {
        var refusal = Assert.Throws<ArgumentException>(() => SeqPacketSocket.Connect("/" + new string('x', 107)));
        Assert.Contains("107", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_descriptor_that_is_no_packet_socket_is_not_adopted()
    {
        using var memory = SealedMemory.Create("test", [1]);
        Assert.Throws<SystemCallException>(() => SeqPacketSocket.Adopt(memory));
    }

    // Octal 02000000 is O_CLOEXEC, which fdinfo shows among the flags.
    private static string FlagsOf(Descriptor descriptor) => File.ReadAllText($"/proc/self/fdinfo/{descriptor.Number}");
}
