using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>A captured pod as one loop knows it: sockets in stock, and who uses sockets of its namespace here.</summary>
internal sealed class PodOnLoop(string uid, EventLoop loop, ISocketRequester requester)
{
    private readonly HashSet<IPodUser> _users = [];
    private int _userCount;

    /// <summary>The pod.</summary>
    public string Uid { get; } = uid;

    /// <summary>The loop.</summary>
    public EventLoop Loop { get; } = loop;

    /// <summary>Sockets of its namespace.</summary>
    public SocketStock Sockets { get; } = new(uid, loop, requester);

    /// <summary>It is over; nothing of it may be used.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Connections here. Any thread may read; only the loop writes.</summary>
    public int UserCount => Volatile.Read(ref _userCount);

    public void Add(IPodUser user)
    {
        _users.Add(user);
        Volatile.Write(ref _userCount, _users.Count);
    }

    public void Remove(IPodUser user)
    {
        _users.Remove(user);
        Volatile.Write(ref _userCount, _users.Count);
    }

    /// <summary>Cuts every connection; the pod itself stays.</summary>
    public void CutAll(string reason)
    {
        foreach (var user in _users.ToArray()) user.Cut(reason);
    }

    /// <summary>The pod's namespace is over: every descriptor of it is closed before this returns.</summary>
    public void End(string reason)
    {
        IsEnded = true;
        CutAll(reason);
        Sockets.End(reason);
    }
}
