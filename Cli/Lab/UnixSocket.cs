using System.Net.Sockets;

namespace Ambient.Cli.Lab;

/// <summary>HTTP over a Unix socket.</summary>
internal static class UnixSocket
{
    /// <summary>Connects to a path, whatever host is asked for.</summary>
    public static SocketsHttpHandler HandlerOf(string path) => new()
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
