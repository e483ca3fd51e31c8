using System.Net.Sockets;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>A socket that is written to and never read.</summary>
internal sealed class OneWayStream(Socket socket) : NetworkStream(socket)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return 0;
    }
}
