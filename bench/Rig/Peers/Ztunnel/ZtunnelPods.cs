using Ambient.Bench.Rig.Peers.Ztunnel.Wire;
using Ambient.Cli.Lab;
using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Namespaces;
using Ambient.Native.Unix;
using Google.Protobuf;

namespace Ambient.Bench.Rig.Peers.Ztunnel;

/// <summary>
/// What Istio's CNI agent is to a ztunnel: tells each one that connects which pods there are, with their network namespaces, and waits for
/// its word after each. Pods do not come or go.
/// </summary>
internal sealed class ZtunnelPods : IDisposable
{
    private const int MaxPacket = 1024;

    private readonly string _path;
    private readonly IReadOnlyList<PodPlan> _pods;
    private readonly SeqPacketListener _listener;
    private readonly List<SeqPacketSocket> _connections = [];
    private readonly Thread _thread;
    private volatile bool _stopping;
    private volatile string _trouble = "";

    /// <param name="path">Of the socket.</param>
    /// <param name="pods">Of one node.</param>
    public ZtunnelPods(string path, IReadOnlyList<PodPlan> pods)
    {
        (_path, _pods) = (path, pods);
        _listener = SeqPacketListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, userId: 0);
        _thread = new Thread(Serve) { IsBackground = true, Name = "ztunnel pods" };
        _thread.Start();
    }

    /// <summary>Why the last ztunnel did not take its pods; empty if it did.</summary>
    public string Trouble => _trouble;

    public void Dispose()
    {
        _stopping = true;
        // A connection of our own wakes the thread.
        using (SeqPacketSocket.Connect(_path)) _thread.Join();
        foreach (var connection in _connections) connection.Dispose();
        _listener.Dispose();
        File.Delete(_path);
    }

    private void Serve()
    {
        using var epoll = new Epoll();
        using var ready = new ReadyEvents(1);
        epoll.Add(_listener.Number, EpollEvents.In, 0);
        while (true)
        {
            epoll.Wait(ready, -1);
            if (!_listener.TryAccept(out var connection, out var error))
            {
                if (error == Errno.WouldBlock) continue;
                _trouble = $"its connection cannot be taken: {error}";
                return;
            }
            if (_stopping)
            {
                connection!.Dispose();
                return;
            }
            _connections.Add(connection!);
            try
            {
                _trouble = Tell(connection!);
            }
            catch (Exception e) when (e is LabException or InvalidProtocolBufferException)
            {
                _trouble = e.Message;
            }
        }
    }

    private string Tell(SeqPacketSocket connection)
    {
        var packet = new byte[MaxPacket];
        if (ZdsHello.Parser.ParseFrom(Read(connection, packet)).Version != 1) return "it speaks another version";
        foreach (var pod in _pods)
        {
            if (!NetworkNamespace.TryOpen(Topology.PathOf(pod.Network), out var opened, out var reason)) return reason;
            using (opened)
            {
                var add = new AddWorkload { Uid = pod.Uid, WorkloadInfo = new WorkloadInfo { Name = pod.Name, Namespace = pod.Namespace, ServiceAccount = pod.Workload } };
                if (Ask(connection, packet, new WorkloadRequest { Add = add }, [opened!.Number]) is { Length: > 0 } error) return $"{pod.Name}: {error}";
            }
        }
        return Ask(connection, packet, new WorkloadRequest { SnapshotSent = new SnapshotSent() }, []);
    }

    private static string Ask(SeqPacketSocket connection, byte[] packet, WorkloadRequest request, ReadOnlySpan<int> descriptors) =>
        connection.TrySend(request.ToByteArray(), descriptors, out Errno error) ? WorkloadResponse.Parser.ParseFrom(Read(connection, packet)).Ack?.Error ?? "it answers with something else" : error.ToString();

    // One that never answers is ended by whoever waits for it to be ready.
    private static byte[] Read(SeqPacketSocket connection, byte[] packet)
    {
        var received = connection.Receive(packet, []);
        return received is { IsPacket: true, Truncated: false } ? packet[..received.Bytes] : throw new LabException($"it ended instead of an answer ({received.Error})");
    }
}
