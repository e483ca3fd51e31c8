using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Ambient.Controller.Streams;

/// <summary>
/// Bounds the connections of one address before a byte of them is read, so that nobody without a token can take all that the
/// listener has and keep nodes out. A node has one connection; the rest is for nodes behind one address.
/// </summary>
internal sealed class AddressShares(ConnectionRefusals refusals)
{
    /// <summary>Connections of one address.</summary>
    internal const int MaxOfAddress = 256;

    private readonly ConcurrentDictionary<IPAddress, int> _open = new();

    /// <summary>Kestrel's connection middleware: goes on, or drops the connection.</summary>
    internal ConnectionDelegate Of(ConnectionDelegate next) => async connection =>
    {
        var address = ConnectionRefusals.AddressOf(connection);
        if (_open.AddOrUpdate(address, 1, (_, count) => count + 1) > MaxOfAddress)
        {
            Leave(address);
            refusals.Add(connection, StreamRefusal.AddressShare, $"it has {MaxOfAddress} connections already");
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
