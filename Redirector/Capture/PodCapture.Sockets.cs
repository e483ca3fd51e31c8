using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>Sockets for connections that NodeProxy opens from inside the pod's namespace, where it cannot go itself.</summary>
internal sealed partial class PodCapture
{
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
