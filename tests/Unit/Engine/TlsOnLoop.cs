using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

/// <summary>Both ends of a TLS connection on one loop.</summary>
internal static class TlsOnLoop
{
    public static async Task<(TlsConnection Client, TlsConnection Server)> Handshake(
        TestLoop loop, TlsContext client, TlsContext server, TlsTicket? ticket = null)
    {
        var pair = await SocketPair.Connect();
        int outsideFd = (int)pair.Outside.SafeHandle.DangerousGetHandle();
        pair.Outside.Blocking = false;
        pair.Outside.SafeHandle.SetHandleAsInvalid(); // the loop closes it
        var clientDone = new TaskCompletionSource<TlsConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var serverDone = new TaskCompletionSource<TlsConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.Run(() =>
        {
            TlsConnection.Start(loop.Loop, outsideFd, client, ticket, TimeSpan.FromSeconds(10), (tls, ok) => Report(clientDone, tls, ok));
            TlsConnection.Start(loop.Loop, pair.InsideFd, server, null, TimeSpan.FromSeconds(10), (tls, ok) => Report(serverDone, tls, ok));
        });
        return (await clientDone.Task.WaitAsync(TimeSpan.FromSeconds(10)), await serverDone.Task.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    private static void Report(TaskCompletionSource<TlsConnection> done, TlsConnection tls, bool ok)
    {
        if (ok) done.SetResult(tls);
        else done.SetException(new InvalidOperationException(tls.HandshakeFailure));
    }
}
