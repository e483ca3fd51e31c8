using System.Net;
using System.Net.Sockets;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>What a Service does in a cluster: one address, behind which connections go to whichever endpoint there is, in turn.</summary>
internal sealed class ServiceAddress : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Task _accepting;
    private readonly List<Task> _relays = [];
    private volatile IPEndPoint[] _endpoints;
    private int _turn;

    internal ServiceAddress(params IPEndPoint[] endpoints)
    {
        _endpoints = endpoints;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = Task.Run(AcceptAsync);
    }

    internal IPEndPoint EndPoint { get; }

    internal void LeadTo(params IPEndPoint[] endpoints) => _endpoints = endpoints;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_relays);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_stop.Token);
                _relays.Add(Task.Run(() => RelayAsync(client)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Told to end.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using (client)
        using (var server = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            try
            {
                var endpoints = _endpoints;
                await server.ConnectAsync(endpoints[(uint)Interlocked.Increment(ref _turn) % endpoints.Length], _stop.Token);
                await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // The client sees its connection end.
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[16 << 10];
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var count)
                await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // As above.
        }
    }
}
