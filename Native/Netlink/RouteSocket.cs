using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>
/// Rules, local routes and addresses of one network namespace. The kernel answers such requests before the send returns, so no call
/// waits. One thread at a time. Source: rtnetlink(7), fib_rules.h.
/// </summary>
public sealed class RouteSocket : IDisposable
{
    private const ushort NewRoute = 24, DeleteRoute = 25, GetAddress = 22, NewAddress = 20, NewRule = 32, DeleteRule = 33;
    private const int LoopbackIndex = 1; // in every network namespace

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkSocket.Route);
    private uint _sequence;

    /// <summary>Carried by the events that requests of this socket cause.</summary>
    public uint PortId => _socket.PortId;

    /// <summary>Sends packets with a mark to a routing table.</summary>
    /// <returns>Exists when the same rule is there.</returns>
    public Errno AddRule(AddressFamily family, in MarkRule rule) => Change(NewRule, Creation, RuleHeader(family), rule.Priority, rule);

    /// <summary>Takes such a rule away.</summary>
    /// <returns>NoEntry when it is not there.</returns>
    public Errno RemoveRule(AddressFamily family, in MarkRule rule) => Change(DeleteRule, 0, RuleHeader(family), rule.Priority, rule);

    /// <summary>Makes every address local in a table: <c>local default dev lo</c>.</summary>
    /// <param name="replace">Put it in the place of another default of that table, instead of saying Exists.</param>
    public Errno AddLocalRoute(AddressFamily family, uint table, bool replace) =>
        ChangeRoute(NewRoute, replace ? (ushort)(NetlinkRequest.Create | NetlinkRequest.Replace) : Creation, family, table);

    /// <summary>Takes that route away.</summary>
    /// <returns>NoSuchProcess when it is not there.</returns>
    public Errno RemoveLocalRoute(AddressFamily family, uint table) => ChangeRoute(DeleteRoute, 0, family, table);

    /// <summary>Lists the addresses of all links.</summary>
    /// <exception cref="SystemCallException">The kernel did not answer.</exception>
    public IReadOnlyList<IPAddress> Addresses()
    {
        Span<byte> space = stackalloc byte[64];
        var request = new NetlinkRequest(space, GetAddress, NetlinkRequest.IsRequest | NetlinkRequest.Dump, ++_sequence);
        request.Put(stackalloc byte[8]); // ifaddrmsg: family (any), prefix, flags, scope, index
        Throw(_socket.Send(request.Bytes));
        var addresses = new List<IPAddress>();
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = _socket.ReceiveMessages(buffer.Bytes, out var error);
            Throw(error);
            while (messages.MoveNextOf(_sequence))
            {
                if (messages.Type == NetlinkMessages.Done)
                    return addresses;
                if (messages.Type == NetlinkMessages.Error)
                    Throw(messages.Failure);
                if (messages.Type == NewAddress && AddressOf(messages.Payload) is { } address)
                    addresses.Add(address);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private const ushort Creation = NetlinkRequest.Create | NetlinkRequest.Exclusive;

    // fib_rule_hdr: family, destination and source lengths, tos, table, two reserved, action (FR_ACT_TO_TBL = 1), flags.
    private static byte[] RuleHeader(AddressFamily family) => [Number(family), 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

    private Errno Change(ushort type, ushort flags, ReadOnlySpan<byte> header, uint priority, in MarkRule rule)
    {
        Span<byte> space = stackalloc byte[128];
        var request = new NetlinkRequest(space, type, (ushort)(flags | NetlinkRequest.IsRequest | NetlinkRequest.WantsAck), ++_sequence);
        request.Put(header);
        request.Attribute(6, priority);   // FRA_PRIORITY
        request.Attribute(10, rule.Mark); // FRA_FWMARK
        request.Attribute(16, rule.Mask); // FRA_FWMASK
        request.Attribute(15, rule.Table); // FRA_TABLE
        return Acknowledged(request.Bytes);
    }

    private Errno ChangeRoute(ushort type, ushort flags, AddressFamily family, uint table)
    {
        Span<byte> space = stackalloc byte[128];
        var request = new NetlinkRequest(space, type, (ushort)(flags | NetlinkRequest.IsRequest | NetlinkRequest.WantsAck), ++_sequence);
        // rtmsg: family, destination and source lengths, tos, table, protocol (RTPROT_STATIC), scope (RT_SCOPE_HOST), type (RTN_LOCAL), flags.
        request.Put([Number(family), 0, 0, 0, 0, 4, 254, 2, 0, 0, 0, 0]);
        request.Attribute(4, LoopbackIndex); // RTA_OIF
        request.Attribute(15, table);        // RTA_TABLE
        return Acknowledged(request.Bytes);
    }

    private Errno Acknowledged(ReadOnlySpan<byte> request) => _socket.Acknowledged(request, _sequence);

    private static IPAddress? AddressOf(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 8)
            return null;
        IPAddress? address = null;
        var attributes = new NetlinkAttributes(payload[8..]);
        while (attributes.MoveNext())
        {
            if (attributes.Value.Length is not (4 or 16))
                continue;
            // IFA_LOCAL (2) is the own address; IFA_ADDRESS (1) is the peer's on a point-to-point link, and the only one for IPv6.
            if (attributes.Type == 2 || (attributes.Type == 1 && address is null))
                address = new IPAddress(attributes.Value);
        }
        return address;
    }

    private static byte Number(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => 2,
        AddressFamily.InterNetworkV6 => 10,
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "IPv4 or IPv6."),
    };

    private static void Throw(Errno error)
    {
        if (error != Errno.None)
            throw new SystemCallException("netlink", error);
    }
}
