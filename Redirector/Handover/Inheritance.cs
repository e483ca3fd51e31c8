using System.Diagnostics.CodeAnalysis;
using Ambient.Native.Descriptors;
using Ambient.Native.Unix;

namespace Ambient.Redirector.Handover;

/// <summary>
/// What a waiting Redirector gets from the one before it. Listeners are judged like those that a NodeProxy gives back: by what the kernel
/// says of them. Owned by the loop.
/// </summary>
internal sealed class Inheritance : IDisposable
{
    private readonly string _path;
    private readonly Dictionary<string, List<Descriptor>> _listeners = new(StringComparer.Ordinal);
    private SeqPacketSocket? _predecessor;

    public Inheritance(string path) => _path = path;

    /// <summary>NodeProxy's sealed memory; whoever takes it owns it.</summary>
    public Descriptor? State { get; private set; }

    /// <summary>Connects to the predecessor, if it is there and listens yet.</summary>
    public void Await()
    {
        if (_predecessor is not null)
            return;
        try
        {
            _predecessor = SeqPacketSocket.Connect(_path);
            _predecessor.SetNonBlocking(true);
        }
        catch (SystemCallException)
        {
            // It has not made its socket yet, or has ended: looked at again with the lock.
        }
    }

    /// <summary>Reads what the predecessor left; packets outlive it in the socket.</summary>
    public void Receive()
    {
        if (_predecessor is null)
            return;
        var buffer = new byte[HandoverPacket.MaxBytes];
        while (true)
        {
            var descriptors = new List<Descriptor>();
            var result = _predecessor.Receive(buffer, descriptors);
            if (!result.IsPacket)
                break;
            var packet = HandoverPacket.Read(buffer.AsSpan(0, result.Bytes));
            if (result.Truncated || packet is null || descriptors.Count != (packet.HasState ? 1 : packet.Pods.Length * 3))
                descriptors.ForEach(d => d.Dispose());
            else if (packet.HasState)
                State = descriptors[0];
            else
                for (int i = 0; i < packet.Pods.Length; i++)
                    _listeners[packet.Pods[i]] = descriptors.GetRange(i * 3, 3);
        }
        _predecessor.Dispose();
        _predecessor = null;
    }

    /// <summary>Takes a pod's three descriptors out; they are the caller's.</summary>
    public bool TryTake(string uid, [NotNullWhen(true)] out List<Descriptor>? listeners) => _listeners.Remove(uid, out listeners);

    /// <inheritdoc/>
    public void Dispose()
    {
        _predecessor?.Dispose();
        foreach (var descriptor in _listeners.Values.SelectMany(l => l))
            descriptor.Dispose();
        _listeners.Clear();
    }
}
