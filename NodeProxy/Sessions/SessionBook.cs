using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Sessions;

/// <summary>The carried connections of one loop.</summary>
internal sealed class SessionBook
{
    // A sweep costs about 20 ns a connection; once a second is what a live table needs.
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(1);

    private readonly EventLoop _loop;
    private readonly List<Session> _sessions = [];
    private readonly LoopTimer _sweep;
    private int _count;

    /// <param name="loop">Whose.</param>
    /// <param name="guard">Judges them again when the view changes.</param>
    public SessionBook(EventLoop loop, Guard guard)
    {
        _loop = loop;
        Guard = guard;
        _sweep = new LoopTimer(Sweep);
    }

    /// <summary>Who may reach which pod of this loop.</summary>
    public Guard Guard { get; }

    /// <summary>Connections carried now. Any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Add(Session session)
    {
        session.Index = _sessions.Count;
        _sessions.Add(session);
        Volatile.Write(ref _count, _sessions.Count);
        if (!_sweep.IsArmed) _loop.Arm(_sweep, CountEvery);
    }

    public void Remove(Session session)
    {
        var last = _sessions[^1];
        _sessions[session.Index] = last;
        last.Index = session.Index;
        _sessions.RemoveAt(_sessions.Count - 1);
        Volatile.Write(ref _count, _sessions.Count);
        if (_sessions.Count == 0) _loop.Timers.Cancel(_sweep); // an idle loop sleeps
    }

    /// <summary>How they stand, at most <paramref name="limit"/> of them. On the loop.</summary>
    public IReadOnlyList<SessionStanding> List(int limit) => [.. _sessions.Take(limit).Select(s => s.Standing(_loop.NowTicks))];

    private void Sweep()
    {
        foreach (var session in _sessions) session.Count();
        if (_sessions.Count > 0) _loop.Arm(_sweep, CountEvery);
    }
}
