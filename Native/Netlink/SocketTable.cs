using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>
/// The TCP sockets of one network namespace, whoever's they are. The kernel answers before the send returns, so no call waits. One thread
/// at a time, and the one whose namespace is meant. Source: sock_diag(7), inet_diag.h.
/// </summary>
public sealed class SocketTable : IDisposable
{
    private const ushort ByFamily = 20, DestroySocket = 21; // SOCK_DIAG_BY_FAMILY, SOCK_DESTROY
    private const byte Tcp = 6;
    private const int RequestBytes = 56, MessageBytes = 16 + RequestBytes; // inet_diag_req_v2

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkSocket.SocketDiagnosis);
    private uint _sequence;

    /// <summary>Visits every socket of a family that is in one of the states.</summary>
    /// <returns>False when the visitor ended it.</returns>
    /// <exception cref="SystemCallException">The kernel refused.</exception>
    public bool Visit(AddressFamily family, TcpStates states, TcpSocketVisitor visitor)
    {
        ArgumentNullException.ThrowIfNull(visitor);
        // A socket of its own: a list that is broken off leaves it in the middle of an answer.
        using var socket = NetlinkSocket.Open(NetlinkSocket.SocketDiagnosis);
        Span<byte> space = stackalloc byte[MessageBytes];
        uint sequence = ++_sequence;
        Throw(socket.Send(List(space, family, states, sequence)));
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = socket.ReceiveMessages(buffer.Bytes, out var error);
            Throw(error);
            if (Take(ref messages, sequence, visitor) is { } isComplete)
                return isComplete;
        }
    }

    /// <summary>Ends a connection with a reset to both sides (Linux 4.9, CONFIG_INET_DIAG_DESTROY).</summary>
    /// <returns>NotSupported where the kernel cannot; NoEntry when the socket is gone already.</returns>
    public Errno Destroy(TcpSocketName socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> space = stackalloc byte[MessageBytes];
        return _socket.Acknowledged(DestroyOf(space, socket, ++_sequence), _sequence);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    internal static ReadOnlySpan<byte> List(Span<byte> space, AddressFamily family, TcpStates states, uint sequence) =>
        Request(space, ByFamily, NetlinkRequest.Dump, NetlinkEndpoints.FamilyOf(family), (uint)states, [], sequence);

    internal static ReadOnlySpan<byte> DestroyOf(Span<byte> space, TcpSocketName socket, uint sequence) =>
        Request(space, DestroySocket, NetlinkRequest.WantsAck, socket.Family, uint.MaxValue, socket.Id.Span, sequence);

    /// <returns>True at the end of the list, false when the visitor ended it, null when more follows.</returns>
    internal static bool? Take(ref NetlinkMessages messages, uint sequence, TcpSocketVisitor visitor)
    {
        while (messages.MoveNextOf(sequence))
        {
            if (messages.Type == NetlinkMessages.Done)
                return true;
            if (messages.Type == NetlinkMessages.Error)
                Throw(messages.Failure);
            if (messages.Type == ByFamily && TcpSocketReport.TryRead(messages.Payload, out var report) && !visitor(report))
                return false;
        }
        return null;
    }

    // inet_diag_req_v2: family, protocol, wanted extensions, padding, states, id.
    private static ReadOnlySpan<byte> Request(
        Span<byte> space, ushort type, ushort flags, byte family, uint states, ReadOnlySpan<byte> id, uint sequence)
    {
        Span<byte> body = stackalloc byte[RequestBytes];
        body.Clear();
        (body[0], body[1]) = (family, Tcp);
        MemoryMarshal.Write(body[4..], states);
        id.CopyTo(body[8..]);
        var request = new NetlinkRequest(space, type, (ushort)(flags | NetlinkRequest.IsRequest), sequence);
        request.Put(body);
        return request.Bytes;
    }

    private static void Throw(Errno error)
    {
        if (error != Errno.None)
            throw new SystemCallException("netlink sock_diag", error);
    }
}
