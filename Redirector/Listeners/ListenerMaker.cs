using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Listeners;

/// <summary>Makes a pod's listeners in the calling thread's namespace.</summary>
internal static class ListenerMaker
{
    private const int Backlog = 4096;

    /// <summary>Makes all three or none.</summary>
    /// <param name="error">AddressInUse: a living process holds one of them, or the app uses the port. A second listener beside it is
    /// never made, since the kernel would spread connections over both.</param>
    public static ListenerSet? TryMake(bool ipv4Only, out Errno error)
    {
        // All are bound before any listens: binding fails beside a listener, and a listener that must be closed again
        // would reset who connected meanwhile.
        var made = new List<Descriptor>();
        error = Errno.None;
        foreach (int port in (int[])[CaptureNumbers.OutboundPort, CaptureNumbers.InboundPort, CaptureNumbers.TunnelPort])
        {
            var socket = MarkedSockets.TryBind(port, CaptureNumbers.SocketMark, ipv4Only, out error);
            if (socket is null)
                break;
            made.Add(socket);
        }
        foreach (var socket in made)
            if (error == Errno.None)
                error = MarkedSockets.Listen(socket, Backlog);
        if (error == Errno.None)
            return new ListenerSet(made[0], made[1], made[2]);
        made.ForEach(socket => socket.Dispose());
        return null;
    }
}
