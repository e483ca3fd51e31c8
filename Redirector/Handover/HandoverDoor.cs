using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Processes;
using Ambient.Native.Unix;
using Ambient.Redirector.Listeners;
using Ambient.Redirector.Loop;

namespace Ambient.Redirector.Handover;

/// <summary>
/// Where a successor waits, inside the state directory: when this process is told to end, the successor gets copies of what only
/// processes can hold. So a Redirector can be replaced while no NodeProxy lives. Owned by the loop.
/// </summary>
internal sealed class HandoverDoor : IDisposable
{
    /// <summary>The socket's name in the state directory.</summary>
    public const string FileName = "handover";

    private readonly SeqPacketListener _listener;
    private readonly LoopWatch _watch;
    private readonly List<SeqPacketSocket> _successors = [];

    /// <exception cref="SystemCallException">The path cannot be used.</exception>
    public HandoverDoor(EventLoop loop, string path)
    {
        _listener = SeqPacketListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, Credentials.UserId);
        _watch = loop.Watch(_listener.Number, EpollEvents.In, _ => Accept());
    }

    /// <summary>Sends copies to whoever waits. A successor that does not take them gets them from NodeProxy, or makes its own.</summary>
    /// <param name="listeners">By pod UID.</param>
    /// <param name="state">NodeProxy's sealed memory; null for none.</param>
    public void GiveAll(IReadOnlyDictionary<string, ListenerSet> listeners, Descriptor? state)
    {
        foreach (var successor in _successors)
        {
            foreach (var part in listeners.Chunk(HandoverPacket.MaxPods))
                Send(successor, new HandoverPacket([.. part.Select(p => p.Key)], false), [.. part.SelectMany(p => p.Value.Numbers)]);
            if (state is not null)
                Send(successor, new HandoverPacket([], true), [state.Number]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        _listener.Dispose();
        _successors.ForEach(s => s.Dispose());
    }

    private static void Send(SeqPacketSocket successor, HandoverPacket packet, int[] descriptors) =>
        _ = successor.TrySend(packet.ToBytes(), descriptors, out _);

    private void Accept()
    {
        while (_listener.TryAccept(out var connection, out _))
        {
            if (connection!.PeerCredentials.UserId != Credentials.UserId)
            {
                connection.Dispose();
                continue;
            }
            // A successor that is stuck must not keep this process from ending.
            connection.SetNonBlocking(true);
            _successors.Add(connection);
        }
    }
}
