using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Discovery.V1;
using Ambient.Redirector.Nodes;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>Sockets for connections that NodeProxy opens from inside the pod's namespace, where it cannot go itself.</summary>
internal sealed partial class PodCapture
{
    // A NodeProxy asks for all it needs in a few requests; one that asks on and on is not remembered without end.
    private const int MaxEarly = 256;

    private readonly List<(NodeConnection From, Action Answer)> _early = [];

    /// <summary>Its namespace is not found yet and still looked for: after a restart for a moment, of a pod that is being made for longer.</summary>
    public bool IsLookedFor => _namespace is null && _ending is null && !_isFinished && Status.Phase != PodPhase.Gone;

    /// <summary>Keeps a request until the namespace is found or the search for it is over.</summary>
    /// <param name="from">The one that asks: when it is gone, so is its request.</param>
    /// <param name="answer">Answers it; called on the loop, at most once.</param>
    /// <returns>False when too many wait.</returns>
    public bool TryAwait(NodeConnection from, Action answer)
    {
        if (_early.Count >= MaxEarly)
            return false;
        _early.Add((from, answer));
        return true;
    }

    private void AnswerEarly()
    {
        var early = _early.ToList();
        _early.Clear();
        foreach (var (_, answer) in early)
            answer();
    }

    /// <summary>Makes sockets in the pod's namespace.</summary>
    /// <param name="reason">Empty, or why there are none.</param>
    public List<Descriptor>? MakeSockets(int count, out bool ipv4Only, out string reason)
    {
        ipv4Only = _namespace?.IsIpv4Only ?? false;
        if (_namespace is null || _ending is not null)
        {
            reason = "the pod has no network namespace here";
            return null;
        }
        var made = new List<Descriptor>(count);
        var error = Errno.None;
        bool v4 = ipv4Only;
        try
        {
            _tools.Entry.Run(_namespace.Namespace, () =>
            {
                while (made.Count < count && MarkedSockets.TryUpstream(CaptureNumbers.SocketMark, v4, out error) is { } socket)
                    made.Add(socket);
                return true;
            });
        }
        catch (SystemCallException e)
        {
            error = e.Error; // not entered
        }
        reason = error == Errno.None ? "" : $"socket: {error}";
        if (error == Errno.None)
            return made;
        made.ForEach(socket => socket.Dispose());
        return null;
    }
}
