using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Netlink;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>
/// Undoes what happened while a pod's rules were not in force. A SYN that met conntrack but no redirect (also while nft loads: conntrack is
/// there before the rules are) has an entry that sends every later SYN the same way: it is dropped. A connection that was established
/// in the clear is closed: whether conntrack knows it or not, since without rules the kernel may not have tracked it at all. Runs in the
/// pod's namespace, for a bounded time; what it does not reach, the next look does.
/// </summary>
internal sealed class GapCleaning
{
    // A pod with 100,000 connections takes about half a second once; sockets that were found right are not looked at again.
    private static readonly TimeSpan _atMost = TimeSpan.FromMilliseconds(500);

    private const string TooManyEntries = "too many conntrack entries for one look";

    private const int MaxEntries = 50_000, MaxSockets = 500_000, MaxExamples = 5;

    private readonly TimeProvider _time;
    private readonly List<AddressFamily> _families;
    private readonly long _began;

    private GapCleaning(TimeProvider time, PodNamespace pod)
    {
        (_time, _began) = (time, time.GetTimestamp());
        _families = pod.IsIpv4Only ? [AddressFamily.InterNetwork] : [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];
    }

    private bool IsLate => _time.GetElapsedTime(_began) > _atMost;

    /// <summary>
    /// What is to be done when rules have come into force: all connections that are there stay as they are and are remembered; a SYN
    /// that nobody answered yet is redirected when it comes again. In the calling thread's namespace, the pod's.
    /// </summary>
    public static GapFindings Begin(TimeProvider time, PodNamespace pod)
    {
        var cleaning = new GapCleaning(time, pod);
        // In this order: what is answered in between is a connection from before, and remembered.
        var known = cleaning.Remember();
        try
        {
            using var conntrack = new ConntrackTable();
            int dropped = cleaning.DropUnreplied(conntrack, out bool isComplete);
            return new GapFindings(known, dropped, 0, 0, [], isComplete ? "" : TooManyEntries);
        }
        catch (SystemCallException e)
        {
            return new GapFindings(known, 0, 0, 0, [], $"connections of the gap not looked for: {e.Message}");
        }
    }

    /// <summary>Looks and cleans. In the calling thread's namespace, the pod's.</summary>
    /// <param name="known">From <see cref="Begin"/> or an earlier look.</param>
    public static GapFindings Clean(TimeProvider time, PodNamespace pod, Exclusions exclusions, KnownConnections known)
    {
        try
        {
            var cleaning = new GapCleaning(time, pod);
            using var conntrack = new ConntrackTable();
            // Entries first: what gets established in spite of that is a socket when the sockets are looked at, or at the second look.
            int dropped = cleaning.DropUnreplied(conntrack, out bool isComplete);
            var findings = cleaning.CloseSlipped(conntrack, pod, exclusions, known) with { EntriesDropped = dropped };
            return isComplete || findings.Note.Length > 0 ? findings : findings with { Note = TooManyEntries };
        }
        catch (SystemCallException e)
        {
            return new GapFindings(known, 0, 0, 0, [], $"connections of the gap not looked for: {e.Message}");
        }
    }

    private KnownConnections Remember()
    {
        var cookies = new HashSet<ulong>();
        try
        {
            using var sockets = new SocketTable();
            bool isComplete = true;
            foreach (var family in _families)
            {
                isComplete &= sockets.Visit(family, TcpStates.Established | TcpStates.Opening | TcpStates.Closing, (scoped in report) =>
                {
                    if (!IsOurs(report))
                        cookies.Add(report.Cookie);
                    return cookies.Count < MaxSockets;
                });
            }
            return new KnownConnections(cookies, isComplete);
        }
        catch (SystemCallException)
        {
            // A kernel without sock_diag: slipped connections are neither found nor closed, and every look says so.
            return KnownConnections.Unknown;
        }
    }

    private int DropUnreplied(ConntrackTable conntrack, out bool isComplete)
    {
        int dropped = 0;
        isComplete = true;
        foreach (var family in _families)
        {
            var entries = new List<ConntrackEntry>();
            isComplete &= conntrack.ListUnreplied(family, () => !IsLate && entries.Count < MaxEntries, entries);
            dropped += entries.Count(entry => conntrack.Delete(family, entry) == Errno.None);
        }
        return dropped;
    }

    private GapFindings CloseSlipped(ConntrackTable conntrack, PodNamespace pod, Exclusions exclusions, KnownConnections known)
    {
        using var sockets = new SocketTable();
        var right = new HashSet<ulong>();
        var unknown = new List<(ulong Cookie, bool HasMark, TcpSocketName Name)>();
        var listening = new HashSet<int>();
        bool isComplete = true;
        // Half-closed connections end by themselves, and conntrack may forget them earlier than their sockets.
        foreach (var family in _families)
        {
            isComplete &= sockets.Visit(family, TcpStates.Listening, (scoped in report) => listening.Add(report.LocalPort) || !IsLate);
            isComplete &= sockets.Visit(family, TcpStates.Established | TcpStates.Opening, (scoped in report) =>
            {
                if (known.Cookies.Contains(report.Cookie))
                    right.Add(report.Cookie);
                else if (report.IsEstablished && !IsOurs(report))
                    unknown.Add((report.Cookie, report.Mark is not null, report.Name));
                return !IsLate && right.Count + unknown.Count < MaxSockets;
            });
        }
        var rightlyClear = new UncapturedTraffic(exclusions, pod.Addresses(), listening);
        int closed = 0, listed = 0;
        var examples = new List<string>();
        foreach (var (cookie, hasMark, name) in unknown)
        {
            if (IsLate)
            {
                isComplete = false;
                break;
            }
            if (rightlyClear.Includes(name) || IsRedirected(conntrack, name))
            {
                right.Add(cookie);
                continue;
            }
            bool mayClose = known.IsComplete && hasMark;
            var error = mayClose ? sockets.Destroy(name) : Errno.NotSupported;
            if (error == Errno.NoEntry)
                continue;
            (closed, listed) = error == Errno.None ? (closed + 1, listed) : (closed, listed + 1);
            if (error != Errno.None)
                right.Add(cookie); // told once
            if (examples.Count < MaxExamples)
                examples.Add($"{name.Local} - {name.Remote}{(error == Errno.None ? "" : mayClose ? $" ({error})" : " (perhaps from before capture)")}");
        }
        if (!isComplete)
            right.UnionWith(known.Cookies);
        string note = isComplete ? "" : "too many sockets for one look";
        return new GapFindings(known with { Cookies = right }, 0, closed, listed, examples, note);
    }

    // Of what comes from outside the redirected half is the proxy's own; the app's half bears the connection's mark and is not tracked.
    private static bool IsRedirected(ConntrackTable conntrack, TcpSocketName name) =>
        conntrack.Find(name.Local, name.Remote) is { IsRedirected: true };

    // The proxy's sockets, and those that the app has accepted from it.
    private static bool IsOurs(scoped in TcpSocketReport report) =>
        (report.Mark & CaptureNumbers.MarkMask) is CaptureNumbers.SocketMark or CaptureNumbers.ConnectionMark;
}
