using System.Net;
using System.Net.Sockets;
using k8s;
using k8s.KubeConfigModels;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>
/// A test's own way to the API server, fake or real: a relay of TCP that can be cut, shut and slowed without touching other tests'
/// ways, and a kubeconfig that leads through it.
/// </summary>
public sealed class ApiLine : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _open = [];
    private readonly CancellationTokenSource _end = new();
    private readonly DnsEndPoint _server;
    private readonly TemporaryFolder _folder = new();
    private readonly int _port;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    internal ApiLine(K8SConfiguration toServer)
    {
        var url = new Uri(toServer.Clusters.Single().ClusterEndpoint.Server);
        _server = new DnsEndPoint(url.Host, url.Port);
        Restore();
        _port = ((IPEndPoint)_listener!.LocalEndPoint!).Port;
        var configuration = Kubeconfig.At(toServer, new Uri($"https://127.0.0.1:{_port}"));
        KubeconfigPath = _folder.Write("kubeconfig", KubernetesYaml.Serialize(configuration));
        Configuration = configuration;
    }

    /// <summary>A kubeconfig of the same user, through this line.</summary>
    public string KubeconfigPath { get; }

    /// <summary>How long each piece waits on its way, in both directions. Changes count for what comes next.</summary>
    public TimeSpan Delay { get; set; }

    internal K8SConfiguration Configuration { get; }

    /// <summary>Resets what is open; who connects anew gets through.</summary>
    public void Break()
    {
        lock (_lock)
        {
            foreach (var socket in _open)
                Reset(socket);
            _open.Clear();
        }
    }

    /// <summary>Resets what is open and refuses what comes: the server is away, until <see cref="Restore"/>.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _listener?.Dispose();
            _listener = null;
        }
        Break();
    }

    /// <summary>The server is back, at the same address.</summary>
    public void Restore()
    {
        lock (_lock)
        {
            if (_listener is not null)
                return;
            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, _port));
            listener.Listen(512);
            _listener = listener;
            _accepting = Task.WhenAll(_accepting, Task.Run(() => AcceptAsync(listener)));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Cut();
        await _accepting;
        _folder.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        var carried = new List<Task>();
        while (true)
        {
            try
            {
                carried.Add(CarryAsync(await listener.AcceptAsync()));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                break;
            }
            carried.RemoveAll(task => task.IsCompleted);
        }
        await Task.WhenAll(carried);
    }

    private async Task CarryAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var here = client;
        client.NoDelay = true;
        try
        {
            await server.ConnectAsync(_server, _end.Token);
            lock (_lock)
            {
                if (_listener is null)
                    return;
                _open.Add(client);
                _open.Add(server);
            }
            await Task.WhenAll(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Cut, or one side has gone: then the other one's connection ends as well.
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(client);
                _open.Remove(server);
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var read)
            {
                if (Delay > TimeSpan.Zero)
                    await Task.Delay(Delay, _end.Token);
                for (var sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            Reset(from);
            Reset(to);
            throw;
        }
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has gone already.
        }
    }
}
