using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>Tells when addresses, links, rules or routes of one network namespace change. One thread at a time. Source: rtnetlink(7).</summary>
public sealed class RouteWatch : IDisposable
{
    // RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE, _IPV6_RULE.
    private static ReadOnlySpan<int> Groups => [1, 5, 7, 8, 9, 11, 19];

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkSocket.Route);
    private readonly uint _ownPort;
    private readonly uint _table;

    /// <summary>Opens the watch in the calling thread's namespace.</summary>
    /// <param name="table">Routes of this table are told of, others are not.</param>
    /// <param name="ownPort">Changes by this netlink socket are not told of.</param>
    public RouteWatch(uint table, uint ownPort)
    {
        (_table, _ownPort) = (table, ownPort);
        foreach (int group in Groups)
            _socket.Subscribe(group);
    }

    /// <summary>The descriptor's number, to be watched by an epoll.</summary>
    public int Number => _socket.Number;

    /// <summary>Takes all waiting events.</summary>
    /// <returns>What they were, together; everything after an overrun.</returns>
    public RouteChanges Read()
    {
        var changes = RouteChanges.None;
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = _socket.ReceiveMessages(buffer.Bytes, out var error);
            if (error == Errno.NoBufferSpace)
            {
                changes |= RouteChanges.All;
                continue;
            }
            if (error != Errno.None)
                return changes;
            while (messages.MoveNext())
                changes |= ChangeOf(messages);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private RouteChanges ChangeOf(NetlinkMessages message)
    {
        if (message.PortId == _ownPort)
            return RouteChanges.None;
        return message.Type switch
        {
            16 or 17 => RouteChanges.Links,                                    // RTM_NEWLINK, RTM_DELLINK
            20 or 21 => RouteChanges.Addresses,                                // RTM_NEWADDR, RTM_DELADDR
            24 or 25 when TableOf(message.Payload) == _table => RouteChanges.Routes, // RTM_NEWROUTE, RTM_DELROUTE
            32 or 33 => RouteChanges.Rules,                                    // RTM_NEWRULE, RTM_DELRULE
            _ => RouteChanges.None,
        };
    }

    private static uint TableOf(ReadOnlySpan<byte> route)
    {
        if (route.Length < 12)
            return 0;
        uint table = route[4];
        var attributes = new NetlinkAttributes(route[12..]);
        while (attributes.MoveNext())
            if (attributes.Type == 15 && attributes.Value.Length == 4) // RTA_TABLE
                table = MemoryMarshal.Read<uint>(attributes.Value);
        return table;
    }
}
