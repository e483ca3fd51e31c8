using System.Text;
using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// This process's part in the node's canary: Redirector captures a network namespace of its own and connects from inside it to a service
/// address. Here such a connection is accepted like any pod's and answered with the original destination, so that Redirector learns whether
/// service addresses arrive unchanged. What it learns goes to the controller as the node's health. Owned by the control loop.
/// </summary>
internal sealed class Canary(EventLoop home, ReportOutbox reports, ILogger logger)
{
    /// <summary>What Redirector calls it.</summary>
    public const string Uid = "ambient-canary";

    /// <summary>How long Redirector may be away (it is replaced within a second or two) before the node counts as degraded.</summary>
    public static readonly TimeSpan RedirectorGrace = TimeSpan.FromSeconds(10);

    private CanaryListener? _listener;
    private NodeHealth? _told;
    private long? _awaySinceTicks;

    /// <summary>The canary's listeners are here: they take the place of those of an earlier one.</summary>
    /// <param name="descriptors">Outbound, inbound and tunnel; all are taken.</param>
    public void Take(IReadOnlyList<Descriptor> descriptors)
    {
        Stop();
        descriptors[1].Dispose(); // nobody connects to it
        descriptors[2].Dispose();
        var listener = _listener = new CanaryListener(descriptors[0]);
        home.Post(() => listener.Start(home));
    }

    /// <summary>No more answers: the successor's are meant, or there is no canary any more.</summary>
    public void Stop()
    {
        if (_listener is { } listener) home.Post(listener.Dispose);
        _listener = null;
    }

    /// <summary>Redirector says what its last connection showed.</summary>
    public void OnResult(CanaryResult result) => Tell(new NodeHealth { Ok = result.Ok, Reason = result.Reason, Detail = result.Detail });

    /// <summary>Looks whether Redirector has been away for too long.</summary>
    /// <param name="isConnected">It answers.</param>
    /// <param name="nowTicks">The control loop's clock.</param>
    public void Review(bool isConnected, long nowTicks)
    {
        if (isConnected)
        {
            _awaySinceTicks = null;
            return;
        }

        _awaySinceTicks ??= nowTicks;
        if (nowTicks - _awaySinceTicks >= RedirectorGrace.Ticks)
        {
            Tell(new NodeHealth
            {
                Reason = "RedirectorAway",
                Detail = "ambient-redirector does not answer: captured pods stay captured, and new pods of enrolled namespaces cannot start",
            });
        }
    }

    private void Tell(NodeHealth health)
    {
        if (health.Equals(_told)) return;
        _told = health;
        reports.Health(health);
        if (health.Ok) NodeLog.NodeHealthy(logger);
        else NodeLog.NodeDegraded(logger, health.Reason, health.Detail);
    }

    // Lives on the home loop.
    private sealed class CanaryListener(Descriptor socket) : IDisposable
    {
        private Listener? _listener;

        public void Start(EventLoop loop)
        {
            // Out of descriptors the connection waits in the backlog, and Redirector says that nobody answered.
            _listener = new Listener(loop, socket.Number, Answer, _ => { }, () => true);
            _listener.Start();
        }

        public void Dispose()
        {
            _listener?.Stop();
            socket.Dispose();
        }

        private static void Answer(int fd)
        {
            if (SocketCalls.TryGetOriginalDestination(fd, out var destination)) _ = SocketCalls.Write(fd, Encoding.ASCII.GetBytes($"{destination}\n"));
            SocketCalls.Close(fd);
        }
    }
}
