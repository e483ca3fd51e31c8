using Ambient.Native.Descriptors;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Nodes;

namespace Ambient.Redirector;

/// <summary>Requests for sockets: of a pod in the order, few at once, and not without end.</summary>
internal sealed partial class Redirection
{
    private const int MaxSocketsARequest = 64;

    // A node was measured to make 110,000 sockets a second; new connections of a busy node need a few thousand.
    private const double SocketBurst = 8192, SocketsPerSecond = 20_000;

    private readonly Dictionary<NodeConnection, TokenBucket> _budgets = [];

    private void GiveSockets(NodeConnection from, SocketRequest request)
    {
        if (!_budgets.TryGetValue(from, out var budget))
            _budgets[from] = budget = new TokenBucket(SocketBurst, SocketsPerSecond, _tools.Loop.Time);
        if (request.Count is 0 or > MaxSocketsARequest)
            RefuseSockets(from, request, $"{request.Count} sockets at once: 1 to {MaxSocketsARequest} are given");
        else if (!_pods.TryGetValue(request.Uid, out var pod))
            RefuseSockets(from, request, "no pod of the order in force");
        else if (!budget.TryTake(request.Count))
            RefuseSockets(from, request, $"more than {SocketsPerSecond} sockets a second");
        // A refusal costs a connection, and a Redirector that was just started knows its pods before it has found their namespaces.
        else if (!pod.IsLookedFor)
            GiveSockets(from, request, pod);
        else if (!pod.TryAwait(from, () => GiveSockets(from, request, pod)))
            RefuseSockets(from, request, "the pod's network namespace is looked for, and too many requests wait for it");
    }

    private void GiveSockets(NodeConnection from, SocketRequest request, PodCapture pod)
    {
        if (pod.MakeSockets((int)request.Count, out bool ipv4Only, out string reason) is not { } sockets)
        {
            RefuseSockets(from, request, reason);
            return;
        }
        _tools.Counters.Add(CounterNames.SocketsGiven, sockets.Count);
        int[] numbers = [.. sockets.Select(s => s.Number)];
        from.Send(new ToNode { Sockets = new Sockets { RequestId = request.RequestId, Uid = request.Uid, Ipv4Only = ipv4Only } }, request.Uid, numbers);
        sockets.ForEach(socket => socket.Dispose());
    }

    private void RefuseSockets(NodeConnection from, SocketRequest request, string reason)
    {
        Refuse(from, CounterNames.SocketsRefused, reason);
        from.Send(new ToNode { Refused = new SocketsRefused { RequestId = request.RequestId, Uid = request.Uid, Reason = reason } });
    }
}
