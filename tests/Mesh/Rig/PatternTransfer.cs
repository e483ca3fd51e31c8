using System.Net.Sockets;
using Ambient.Cli.App;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>A pattern's bytes over one half of a connection, from the first to the last and its end.</summary>
internal static class PatternTransfer
{
    /// <summary>Sends so many bytes of the pattern and ends the half.</summary>
    public static async Task SendPatternAsync(this Socket socket, Pattern pattern, long bytes)
    {
        for (long sent = 0; sent < bytes;) sent += await socket.SendAsync(pattern.From(sent, bytes - sent));
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Receives until the peer ends its half; fails unless that is so many bytes of the pattern and nothing else.</summary>
    public static async Task ReceivePatternAsync(this Socket socket, Pattern pattern, long bytes)
    {
        var buffer = new byte[256 * 1024];
        long received = 0;
        while (await socket.ReceiveAsync(buffer) is > 0 and var some)
        {
            Assert.True(pattern.Matches(received, buffer.AsSpan(0, some)), $"wrong bytes from {received} on");
            received += some;
        }
        Assert.Equal(bytes, received);
    }
}
