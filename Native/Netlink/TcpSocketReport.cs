using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Ambient.Native.Netlink;

/// <summary>What the kernel says of one TCP socket. Valid while it is being visited. Source: inet_diag.h (inet_diag_msg, inet_diag_sockid).</summary>
public readonly ref struct TcpSocketReport
{
    internal const int IdBytes = 48, HeaderBytes = 72;
    private const int IdOffset = 4;
    private const ushort MarkAttribute = 15; // INET_DIAG_MARK, shown to CAP_NET_ADMIN

    private readonly ReadOnlySpan<byte> _payload;

    private TcpSocketReport(ReadOnlySpan<byte> payload)
    {
        _payload = payload;
        var attributes = new NetlinkAttributes(payload[HeaderBytes..]);
        while (attributes.MoveNext())
            if (attributes.Type == MarkAttribute && attributes.Value.Length == 4)
                Mark = MemoryMarshal.Read<uint>(attributes.Value);
    }

    /// <summary>The socket's mark; null when the kernel does not tell.</summary>
    public uint? Mark { get; }

    /// <summary>The same for one socket for ever, and for no other socket.</summary>
    public ulong Cookie => MemoryMarshal.Read<ulong>(Id[40..]);

    /// <summary>Its own port.</summary>
    public int LocalPort => BinaryPrimitives.ReadUInt16BigEndian(Id);

    /// <summary>Data may flow both ways.</summary>
    public bool IsEstablished => _payload[1] == 1;

    private ReadOnlySpan<byte> Id => _payload.Slice(IdOffset, IdBytes);

    /// <summary>Takes it out of the visit.</summary>
    public TcpSocketName Name => new(_payload[0], Id.ToArray(), new IPEndPoint(Address(8), LocalPort),
        new IPEndPoint(Address(24), BinaryPrimitives.ReadUInt16BigEndian(_payload[6..])));

    /// <summary>Reads the payload of a message.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> payload, out TcpSocketReport report)
    {
        bool isWhole = payload.Length >= HeaderBytes && payload[0] is 2 or 10;
        report = isWhole ? new TcpSocketReport(payload) : default;
        return isWhole;
    }

    private IPAddress Address(int offset) => NetlinkEndpoints.AddressOf(_payload.Slice(offset, _payload[0] == 2 ? 4 : 16));
}
