using Ambient.Native.Descriptors;
using Ambient.Native.Unix;

namespace Ambient.Redirector.Nodes;

/// <summary>
/// Packets for one NodeProxy. Sent at once while it reads; kept, with copies of their descriptors, while it does not, up to a cap: then it
/// is not worth waiting for. Owned by the loop, which never blocks on it.
/// </summary>
internal sealed class SendQueue(SeqPacketSocket socket) : IDisposable
{
    // 250 pods with a listener and a status packet each, twice.
    private const int MaxWaiting = 1024;

    private readonly Queue<Waiting> _waiting = new();

    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>Sends or queues a packet.</summary>
    /// <param name="uid">The pod it speaks of; its descriptors are dropped with <see cref="Forget"/>.</param>
    /// <param name="descriptors">They stay the caller's.</param>
    public SendOutcome Send(string uid, byte[] packet, ReadOnlySpan<int> descriptors)
    {
        if (IsEmpty)
        {
            if (socket.TrySend(packet, descriptors, out var error))
                return SendOutcome.Sent;
            if (!IsPassing(error))
                return SendOutcome.Broken;
        }
        if (_waiting.Count >= MaxWaiting)
            return SendOutcome.Broken;
        var copies = new Descriptor[descriptors.Length];
        for (int i = 0; i < copies.Length; i++)
            copies[i] = DescriptorCopy.Of(descriptors[i]);
        _waiting.Enqueue(new Waiting(uid, packet, copies));
        return SendOutcome.Queued;
    }

    /// <summary>Sends what waits, as far as it goes.</summary>
    public SendOutcome Flush()
    {
        while (_waiting.TryPeek(out var next))
        {
            int[] numbers = Array.ConvertAll(next.Descriptors, d => d.Number);
            if (!socket.TrySend(next.Packet, numbers, out var error))
                return IsPassing(error) ? SendOutcome.Queued : SendOutcome.Broken;
            _waiting.Dequeue().Dispose();
        }
        return SendOutcome.Sent;
    }

    /// <summary>Drops waiting packets that carry descriptors of a pod, so that they do not keep its namespace alive.</summary>
    public void Forget(string uid)
    {
        for (int left = _waiting.Count; left > 0; left--)
        {
            var packet = _waiting.Dequeue();
            if (packet.Uid == uid && packet.Descriptors.Length > 0)
                packet.Dispose();
            else
                _waiting.Enqueue(packet);
        }
    }

    /// <summary>Drops everything that waits.</summary>
    public void Dispose()
    {
        while (_waiting.TryDequeue(out var packet))
            packet.Dispose();
    }

    // TooManyReferences: descriptors in flight of this user reached its limit of open files; it passes when somebody reads.
    private static bool IsPassing(Errno error) => error is Errno.WouldBlock or Errno.NoBufferSpace or Errno.TooManyReferences;

    private sealed record Waiting(string Uid, byte[] Packet, Descriptor[] Descriptors) : IDisposable
    {
        public void Dispose()
        {
            foreach (var descriptor in Descriptors)
                descriptor.Dispose();
        }
    }
}
