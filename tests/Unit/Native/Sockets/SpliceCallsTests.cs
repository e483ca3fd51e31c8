using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Xunit;

namespace Ambient.Tests.Unit.Native.Sockets;

public sealed class SpliceCallsTests
{
    [Fact]
    public void Bytes_go_from_socket_through_pipe_to_socket()
    {
        using var from = new TcpPair();
        using var to = new TcpPair();
        using var pipe = KernelPipe.Create(64 << 10);
        byte[] bytes = new byte[10_000];
        new Random(1).NextBytes(bytes);
        SocketCalls.Write(from.Left, bytes);

        int moved = 0;
        while (moved < bytes.Length)
        {
            var step = SpliceCalls.Move(from.Right, pipe.WriteEnd, 1 << 20);
            if (step.Outcome == MoveOutcome.WouldBlock)
                continue;
            Assert.Equal(MoveOutcome.Moved, step.Outcome);
            Assert.Equal(step.Bytes, SpliceCalls.Move(pipe.ReadEnd, to.Left, step.Bytes).Bytes);
            moved += step.Bytes;
        }

        Assert.Equal(bytes, TcpPair.ReadAll(to.Right, bytes.Length));
    }

    [Fact]
    public void An_empty_source_would_block_and_an_ended_one_says_so()
    {
        using var from = new TcpPair();
        using var pipe = KernelPipe.Create(4096);
        Assert.Equal(MoveOutcome.WouldBlock, SpliceCalls.Move(from.Right, pipe.WriteEnd, 100).Outcome);

        SocketCalls.ShutdownWrite(from.Left);

        MoveResult result;
        while ((result = SpliceCalls.Move(from.Right, pipe.WriteEnd, 100)).Outcome == MoveOutcome.WouldBlock)
            Thread.Yield();
        Assert.Equal(MoveOutcome.PeerClosed, result.Outcome);
    }

    [Fact]
    public void A_broken_target_is_an_error_and_no_signal()
    {
        using var to = new TcpPair();
        using var from = new TcpPair();
        using var pipe = KernelPipe.Create(4096);
        SocketCalls.Write(from.Left, "x"u8);
        while (SpliceCalls.Move(from.Right, pipe.WriteEnd, 1).Outcome == MoveOutcome.WouldBlock)
            Thread.Yield();
        SocketCalls.ShutdownWrite(to.Left);

        Assert.Equal(new MoveResult(MoveOutcome.Failed, 0, Errno.BrokenPipe), SpliceCalls.Move(pipe.ReadEnd, to.Left, 1));
    }

    [Fact]
    public void What_the_target_does_not_take_can_be_read_out_again()
    {
        using var from = new TcpPair();
        using var pipe = KernelPipe.Create(4096);
        SocketCalls.Write(from.Left, "rest"u8);
        while (SpliceCalls.Move(from.Right, pipe.WriteEnd, 4).Outcome == MoveOutcome.WouldBlock)
            Thread.Yield();
        byte[] room = new byte[10];

        Assert.Equal(4, pipe.Read(room));
        Assert.Equal("rest"u8.ToArray(), room[..4]);
        Assert.Equal(0, pipe.Read(room));
    }

    [Fact]
    public void A_pipe_says_how_much_it_really_holds()
    {
        using var pipe = KernelPipe.Create(128 << 10);
        using var greedy = KernelPipe.Create(int.MaxValue);

        Assert.Equal(128 << 10, pipe.CapacityBytes);
        Assert.InRange(greedy.CapacityBytes, 4096, int.MaxValue);
    }
}
