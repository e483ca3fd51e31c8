using System.Collections.Concurrent;
using System.Net;
using Ambient.Controller.Authority;
using Microsoft.AspNetCore.Connections;

namespace Ambient.Controller.Streams;

/// <summary>
/// Bounds the connections of one address before a byte of them is read, so that nobody without a token can take all that the
/// listener has and keep nodes out. A node has one connection; the rest is for nodes behind one address.
/// </summary>
internal sealed class AddressShares(ControllerMetrics metrics, ILogger logger, TimeProvider time)
{
    /// <summary>Connections of one address.</summary>
    internal const int MaxOfAddress = 256;

    // A flood is counted and not written down line by line.
    private readonly RateLimit _lines = new(20, 1, time);
    private readonly ConcurrentDictionary<IPAddress, int> _open = new();

    /// <summary>Kestrel's connection middleware: goes on, or drops the connection.</summary>
    internal ConnectionDelegate Of(ConnectionDelegate next) => async connection =>
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (_open.AddOrUpdate(address, 1, (_, count) => count + 1) > MaxOfAddress)
        {
            Leave(address);
            metrics.StreamRefused(StreamRefusal.AddressShare);
            if (_lines.TryTake())
                logger.StreamRefused(address.ToString(), $"it has {MaxOfAddress} connections already");
            connection.Abort();
            return;
        }
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(address);
        }
    };

    private void Leave(IPAddress address)
    {
        // Taken off the table at zero, unless another one came in between.
        if (_open.AddOrUpdate(address, 0, (_, count) => count - 1) == 0)
            _open.TryRemove(KeyValuePair.Create(address, 0));
    }
}
