using System.Collections.Immutable;
using System.Net;
using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// A captured pod as one loop knows it: sockets in stock, who uses sockets of its namespace here, and what share of the process
/// that takes. All of a pod's own connections live on its home loop, so that what this loop holds of it is what the pod holds.
/// </summary>
internal sealed class PodOnLoop(string uid, EventLoop loop, ISocketRequester requester, NodeCapacity capacity)
{
    /// <summary>
    /// Connections of one kind that may be on their way at once. Beyond it they wait in the listener's backlog, where they cost us
    /// nothing and an app sees backpressure: what is being opened has an end within seconds, so that the wait has one as well.
    /// A stream has no backlog and is refused.
    /// </summary>
    public const int MaxOpening = 1024;

    // Not one by one: a pod at its bound would stop and start with every connection.
    private const int AcceptAgainBelow = MaxOpening / 4 * 3;

    private readonly Dictionary<IPodUser, PodUse> _users = [];
    private readonly int[] _opening = new int[(int)PodUse.Guest + 1];
    private readonly bool[] _isHeld = new bool[(int)PodUse.Guest + 1];
    private int _userCount;
    private int _descriptors;

    /// <summary>The pod.</summary>
    public string Uid { get; } = uid;

    /// <summary>The loop.</summary>
    public EventLoop Loop { get; } = loop;

    /// <summary>Sockets of its namespace.</summary>
    public SocketStock Sockets { get; } = new(uid, loop, requester, capacity);

    /// <summary>Those of its network namespace, as Redirector sees it. The view names the pod's own, and none of a second network.</summary>
    public ImmutableArray<IPAddress> Addresses { get; set; } = [];

    /// <summary>It is over; nothing of it may be used.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Connections here. Any thread may read; only the loop writes.</summary>
    public int UserCount => Volatile.Read(ref _userCount);

    /// <summary>Told when accepting that was stopped may go on.</summary>
    public Action<PodUse>? RoomAgain { get; set; }

    /// <summary>Whether a new connection of this pod fits into the process.</summary>
    public Admission Admit() => capacity.Ask(_descriptors);

    /// <summary>Whether one more may be on its way. The first no of a row is counted, and <see cref="RoomAgain"/> follows it.</summary>
    public bool MayOpen(PodUse use)
    {
        if (_opening[(int)use] < MaxOpening) return true;
        if (!_isHeld[(int)use]) capacity.CountHold(Loop.Index);
        _isHeld[(int)use] = true;
        return false;
    }

    public void Add(IPodUser user, PodUse use)
    {
        _users.Add(user, use);
        _opening[(int)use]++;
        Hold(DescriptorsOf(user, use));
        Volatile.Write(ref _userCount, _users.Count);
    }

    public void Remove(IPodUser user)
    {
        if (!_users.Remove(user, out var use)) return;
        Hold(-DescriptorsOf(user, use));
        Volatile.Write(ref _userCount, _users.Count);
        if (--_opening[(int)use] >= AcceptAgainBelow || !_isHeld[(int)use]) return;
        _isHeld[(int)use] = false;
        RoomAgain?.Invoke(use);
    }

    /// <summary>Something that is no user, such as a tunnel, holds so many descriptors more, or fewer, on the pod's account.</summary>
    public void Hold(int descriptors)
    {
        _descriptors += descriptors;
        capacity.Add(Loop.Index, descriptors);
    }

    /// <summary>Cuts every connection; the pod itself stays.</summary>
    public void CutAll(string reason)
    {
        foreach (var user in _users.Keys.ToArray()) user.Cut(reason);
    }

    /// <summary>The pod's namespace is over: every descriptor of it is closed before this returns.</summary>
    public void End(string reason)
    {
        IsEnded = true;
        CutAll(reason);
        Sockets.End(reason);
    }

    private static int DescriptorsOf(IPodUser user, PodUse use) => use switch
    {
        PodUse.OpeningOut or PodUse.OpeningIn => 2, // its own, and that of the way it is getting
        PodUse.OpeningStream => 1,
        PodUse.Open => user.Descriptors,
        PodUse.Guest => 0,
    };
}
