using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>
/// The tracked TCP connections of one network namespace. The kernel answers before the send returns, so no call waits. One thread at a
/// time, and the one whose namespace is meant. Source: nfnetlink_conntrack.h.
/// </summary>
public sealed class ConntrackTable : IDisposable
{

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkSocket.Netfilter);
    private uint _sequence;

    /// <summary>Lists entries that were neither answered nor changed by NAT: their next packet would go where the first one went.</summary>
    /// <param name="goOn">Asked after each packet of some 100 entries.</param>
    /// <param name="into">They are appended.</param>
    /// <returns>False when the list is not complete.</returns>
    /// <exception cref="SystemCallException">The kernel refused.</exception>
    public bool ListUnreplied(AddressFamily family, Func<bool> goOn, ICollection<ConntrackEntry> into)
    {
        ArgumentNullException.ThrowIfNull(goOn);
        ArgumentNullException.ThrowIfNull(into);
        // A socket of its own: a list that is broken off leaves it in the middle of an answer.
        using var socket = NetlinkSocket.Open(NetlinkSocket.Netfilter);
        Span<byte> space = stackalloc byte[ConntrackRequests.MaxBytes];
        uint sequence = ++_sequence;
        Throw(socket.Send(ConntrackRequests.Unreplied(space, family, sequence)));
        using var buffer = NetlinkBuffer.Rent();
        do
        {
            var messages = socket.ReceiveMessages(buffer.Bytes, out var error);
            Throw(error);
            if (TakeUnreplied(ref messages, sequence, into))
                return true;
        }
        while (goOn());
        return false;
    }

    /// <summary>Finds the entry that has a direction with these ends.</summary>
    /// <returns>Null when the connection is not tracked.</returns>
    /// <exception cref="SystemCallException">The kernel refused.</exception>
    public ConntrackEntry? Find(IPEndPoint source, IPEndPoint destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        Span<byte> space = stackalloc byte[ConntrackRequests.MaxBytes];
        Throw(_socket.Send(ConntrackRequests.Find(space, source, destination, ++_sequence)));
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = _socket.ReceiveMessages(buffer.Bytes, out var error);
            Throw(error);
            while (messages.MoveNextOf(_sequence))
            {
                if (messages.Type == ConntrackRequests.New)
                    return ConntrackEntry.Read(messages.Payload);
                if (messages.Type != NetlinkMessages.Error)
                    continue;
                if (messages.Failure != Errno.NoEntry)
                    Throw(messages.Failure);
                return null;
            }
        }
    }

    /// <summary>Deletes an entry: the connection's next packet is looked at as a first one.</summary>
    /// <returns>NoEntry when it is gone already.</returns>
    public Errno Delete(AddressFamily family, ConntrackEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        Span<byte> space = stackalloc byte[ConntrackRequests.MaxBytes];
        return _socket.Acknowledged(ConntrackRequests.DeleteOf(space, family, entry, ++_sequence), _sequence);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    /// <returns>True at the end of the list.</returns>
    internal static bool TakeUnreplied(ref NetlinkMessages messages, uint sequence, ICollection<ConntrackEntry> into)
    {
        while (messages.MoveNextOf(sequence))
        {
            if (messages.Type == NetlinkMessages.Done)
                return true;
            if (messages.Type == NetlinkMessages.Error)
                Throw(messages.Failure);
            // TcpState: a kernel that does not know the filter lists UDP as well.
            if (messages.Type == ConntrackRequests.New && ConntrackEntry.Read(messages.Payload) is { IsReplied: false, IsUnchanged: true, TcpState: > 0 } entry)
                into.Add(entry);
        }
        return false;
    }

    private static void Throw(Errno error)
    {
        if (error != Errno.None)
            throw new SystemCallException("netlink conntrack", error);
    }
}
