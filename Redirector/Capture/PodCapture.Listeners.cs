using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Listeners;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Nodes;

namespace Ambient.Redirector.Capture;

/// <summary>How the pod's listeners come here: made when nobody holds them, else given back by the NodeProxy that does.</summary>
internal sealed partial class PodCapture
{
    // Time enough for a living NodeProxy to connect and answer; after that it is told why nothing happens.
    private const int PatientTries = 12;

    private readonly HashSet<NodeConnection> _asked = [];
    private int _listenerTries;

    /// <summary>A NodeProxy connected.</summary>
    public void Welcome(NodeConnection node)
    {
        if (node.Held.Contains(Uid) && _namespace is not null)
            AskBack(node);
        else if (!node.Held.Contains(Uid) && _listeners is not null)
            NodeSet.Share(node, Uid, Announcement(), _listeners.Numbers);
        if (node.Held.Contains(Uid) && _present.Length > 0)
            node.Send(AddressesMessage());
        // Nothing is said before something is known: a restart must not look like a step back to a NodeProxy that serves the pod.
        if (_wasTold)
            node.Send(new ToNode { Status = Status });
        if (_listeners is null)
            Again();
    }

    /// <summary>A NodeProxy is gone, and with it what it was asked for, what it had to drain and what it waits for.</summary>
    public void Leave(NodeConnection node)
    {
        _asked.Remove(node);
        _drainedBy.Remove(node);
        _early.RemoveAll(early => early.From == node);
        Step();
    }

    /// <summary>A NodeProxy gives descriptors that it says are the pod's listeners.</summary>
    /// <param name="given">Taken out of the list if they are kept.</param>
    /// <param name="reason">Empty, or why they are refused.</param>
    public bool TakeBack(NodeConnection from, List<Descriptor> given, out string reason)
    {
        if (_namespace is null || !_asked.Remove(from))
        {
            reason = "nobody asked for them";
            return false;
        }
        if (ListenerCheck.AreListenersOf(_namespace.Cookie, _namespace.IsIpv4Only, given, out reason))
            Keep(from, given, out reason);
        if (reason.Length == 0)
            return true;
        // What it holds is of no use: it lets go of that, and gets the true ones once they are here.
        if (from.Held.Remove(Uid))
            from.Send(new ToNode { Status = StaleListeners() });
        if (_listeners is not null)
        {
            NodeSet.Share(from, Uid, Announcement(), _listeners.Numbers);
            from.Send(new ToNode { Status = Status });
        }
        return false;
    }

    private void Keep(NodeConnection from, List<Descriptor> given, out string reason)
    {
        reason = "";
        if (_listeners is not null)
        {
            bool isSame = TcpSocketFacts.TryRead(given[0], out var theirs, out _) && TcpSocketFacts.TryRead(_listeners.Outbound, out var ours, out _)
                && theirs.SocketCookie == ours.SocketCookie;
            reason = isSame ? "" : "not the listeners that are in use";
            return;
        }
        _listeners = new ListenerSet(given[0], given[1], given[2]);
        given.Clear();
        _tools.Counters.Add(CounterNames.ListenersTakenBack);
        _tools.Log.ListenersTakenBack(Uid);
        from.Held.Add(Uid);
        _tools.Nodes.Share(Uid, Announcement(), _listeners.Numbers);
        Again();
    }

    private void TakeListeners(PodNamespace pod)
    {
        if (_retry is not { IsCancelled: false })
            RunJob(_onAttached is null ? WorkPriority.Enrol : WorkPriority.Start, entry => CaptureJobs.MakeListeners(entry, pod), OnListeners);
    }

    private void OnListeners(ListenerOutcome outcome)
    {
        if (_listeners is not null)
        {
            outcome.Made?.Dispose();
        }
        else if (outcome.Made is { } made)
        {
            // Readiness spoke of the listeners of an earlier namespace, if of any.
            (_listeners, _listenerTries, _isReady) = (made, 0, false);
            _tools.Counters.Add(CounterNames.ListenersMade);
            // The kernel made them, so nobody holds listeners of this namespace: whoever says so holds those of an earlier one.
            foreach (var node in _tools.Nodes.Greeted.Where(n => n.Held.Remove(Uid)).ToList())
                node.Send(new ToNode { Status = StaleListeners() });
            _tools.Nodes.Share(Uid, Announcement(), made.Numbers);
        }
        else if (outcome.Error == Errno.AddressInUse && TryInherit())
        {
            _listenerTries = 0;
        }
        else if (outcome.Error == Errno.AddressInUse)
        {
            // The kernel says that somebody listens: a living NodeProxy, which is asked, or the app itself. Never a second one beside it.
            foreach (var node in _tools.Nodes.Greeted.Where(n => n.Held.Contains(Uid)).ToList())
                AskBack(node);
            if (++_listenerTries > PatientTries && !IsCaptured)
                Tell(PodPhase.Failed, "one of the ports 15001, 15006 and 15008 is in use in the pod");
            RetryAfter(_listenerRetry);
            return;
        }
        else
        {
            Fail($"listeners: {outcome.Error}");
            return;
        }
        Step();
    }

    // The predecessor's copies keep the ports taken by themselves; a NodeProxy that holds some too is compared with them when it connects.
    private bool TryInherit()
    {
        if (_namespace is null || !_tools.Inheritance.TryTake(Uid, out var given))
            return false;
        if (!ListenerCheck.AreListenersOf(_namespace.Cookie, _namespace.IsIpv4Only, given, out string reason))
        {
            _tools.Log.InheritedListenersRefused(Uid, reason);
            given.ForEach(d => d.Dispose());
            return false;
        }
        _listeners = new ListenerSet(given[0], given[1], given[2]);
        _tools.Counters.Add(CounterNames.ListenersInherited);
        _tools.Nodes.Share(Uid, Announcement(), _listeners.Numbers);
        foreach (var node in _tools.Nodes.Greeted.Where(n => n.Held.Contains(Uid)).ToList())
            AskBack(node);
        return true;
    }

    private void AskBack(NodeConnection node)
    {
        if (_asked.Add(node))
            node.Send(new ToNode { GiveBack = new GiveBack { Uid = Uid } });
    }

    private PodStatus StaleListeners() =>
        new() { Uid = Uid, Phase = PodPhase.Gone, Reason = "the listeners held are not those of the pod's network namespace" };

    private PodListeners Announcement()
    {
        var announcement = new PodListeners { Uid = Uid };
        AddPresent(announcement.Addresses);
        return announcement;
    }
}
