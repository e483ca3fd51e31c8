using System.Buffers.Binary;
using System.Text;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>
/// Tells when nftables of one network namespace change. The kernel numbers every commit: a namespace whose number is unchanged has
/// unchanged rules. One thread at a time. Source: nf_tables.h (NFNLGRP_NFTABLES, NFT_MSG_NEWGEN).
/// </summary>
public sealed class NftWatch : IDisposable
{
    private const int EventRoomBytes = 1024 * 1024;
    private const int Group = 7;                         // NFNLGRP_NFTABLES
    private const ushort Subsystem = 10 << 8;            // NFNL_SUBSYS_NFTABLES
    private const ushort NewGeneration = Subsystem | 15, GetGeneration = Subsystem | 16;
    private const ushort NewElement = Subsystem | 12, DeletedElement = Subsystem | 14;
    private const uint AnswerSequence = 1;
    private const int FamilyHeaderBytes = 4;             // nfgenmsg: family, version, resource id

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkSocket.Netfilter);
    private readonly byte _family;
    private readonly byte[] _table;
    private bool _touched;

    /// <summary>Opens the watch in the calling thread's namespace.</summary>
    /// <param name="family">NFPROTO number of the table, 1 for inet.</param>
    /// <param name="table">The table of interest.</param>
    public NftWatch(byte family, string table)
    {
        _family = family;
        _table = [.. Encoding.ASCII.GetBytes(table), 0];
        _socket.SetReceiveBuffer(EventRoomBytes);
        _socket.Subscribe(Group);
    }

    /// <summary>The descriptor's number, to be watched by an epoll.</summary>
    public int Number => _socket.Number;

    /// <summary>Asks which commit is the last one; the answer comes with <see cref="Read"/>.</summary>
    public Errno AskGeneration() => Ask(_socket);

    /// <summary>The number of the last commit in the calling thread's namespace; the kernel answers at once.</summary>
    /// <exception cref="SystemCallException">The kernel gave no answer.</exception>
    public static uint CurrentGeneration()
    {
        using var socket = NetlinkSocket.Open(NetlinkSocket.Netfilter);
        Errno error = Ask(socket);
        Span<byte> answer = stackalloc byte[512];
        int bytes = error == Errno.None ? socket.Receive(answer, out error) : 0;
        var messages = new NetlinkMessages(answer[..bytes]);
        if (error == Errno.None && messages.MoveNext() && messages.Type == NewGeneration)
            return CommitOf(messages.Payload, false, true).Generation;
        throw new SystemCallException("netlink NFT_MSG_GETGEN", error == Errno.None ? Errno.NotSupported : error);
    }

    /// <summary>Takes all waiting events.</summary>
    /// <param name="commits">One is appended for every commit, and for the answer to <see cref="AskGeneration"/>.</param>
    /// <returns>False after an overrun: commits may be missing.</returns>
    public bool Read(List<NftCommit> commits)
    {
        ArgumentNullException.ThrowIfNull(commits);
        bool isComplete = true;
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = _socket.ReceiveMessages(buffer.Bytes, out var error);
            if (error == Errno.NoBufferSpace)
            {
                isComplete = false;
                continue;
            }
            if (error != Errno.None)
                return isComplete;
            while (messages.MoveNext())
                Take(messages, commits);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static Errno Ask(NetlinkSocket socket)
    {
        Span<byte> space = stackalloc byte[64];
        var request = new NetlinkRequest(space, GetGeneration, NetlinkRequest.IsRequest, AnswerSequence);
        request.Put(stackalloc byte[FamilyHeaderBytes]);
        return socket.Send(request.Bytes);
    }

    private void Take(in NetlinkMessages message, List<NftCommit> commits)
    {
        if ((message.Type & 0xff00) != Subsystem || message.Payload.Length < FamilyHeaderBytes)
            return;
        if (message.Type == NewGeneration)
        {
            // An answer may arrive between a commit's changes and its number: it must not take the changes' mark with it.
            bool isAnswer = message.PortId == _socket.PortId && message.Sequence == AnswerSequence;
            commits.Add(CommitOf(message.Payload, !isAnswer && _touched, isAnswer));
            _touched &= isAnswer;
            return;
        }
        // Elements of named sets come and go with packets and are no rules; those that stand in a rule cannot change without it.
        if (message.Type is NewElement or DeletedElement)
            return;
        // Attribute 1 of every other message (table, chain, rule, set, object, flowtable) is the table's name.
        var attributes = new NetlinkAttributes(message.Payload[FamilyHeaderBytes..]);
        while (attributes.MoveNext())
            if (attributes.Type == 1)
                _touched |= message.Payload[0] == _family && attributes.Value.SequenceEqual(_table);
    }

    private static NftCommit CommitOf(ReadOnlySpan<byte> payload, bool touchesTable, bool isAnswer)
    {
        uint generation = 0, process = 0;
        string program = "";
        var attributes = new NetlinkAttributes(payload[FamilyHeaderBytes..]);
        while (attributes.MoveNext())
        {
            if (attributes.Type == 1 && attributes.Value.Length == 4)      // NFTA_GEN_ID
                generation = BinaryPrimitives.ReadUInt32BigEndian(attributes.Value);
            else if (attributes.Type == 2 && attributes.Value.Length == 4) // NFTA_GEN_PROC_PID
                process = BinaryPrimitives.ReadUInt32BigEndian(attributes.Value);
            else if (attributes.Type == 3)                                 // NFTA_GEN_PROC_NAME
                program = Encoding.ASCII.GetString(attributes.Value.TrimEnd((byte)0));
        }
        return new NftCommit(generation, process, program, touchesTable, isAnswer);
    }
}
