using System.CommandLine;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>Many connections that carry one request and then stay open, and the server that holds them.</summary>
internal static class IdleClients
{
    public const int Port = 6379;

    public static Command MakeClient()
    {
        var to = new Option<string>("--to") { Required = true };
        var count = new Option<int>("--count") { Required = true };
        var command = new Command("idle-clients", "Opens connections, sends a byte on each, reads it back, says 'open', and holds them until it is ended.") { to, count };
        command.SetAction(async (parsed, cancellation) =>
        {
            var address = IPEndPoint.Parse(parsed.GetValue(to)!);
            var held = new List<Socket>();
            foreach (var batch in Enumerable.Range(0, parsed.GetValue(count)).Chunk(64))
            {
                held.AddRange(await Task.WhenAll(batch.Select(async _ =>
                {
                    var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await socket.ConnectAsync(address, cancellation);
                    var one = new byte[1];
                    await socket.SendAsync(one, cancellation);
                    if (await socket.ReceiveAsync(one, cancellation) != 1) throw new IOException("the connection ended before its byte came back");
                    return socket;
                })));
            }
            Console.WriteLine("open");
            await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
            held.ForEach(socket => socket.Dispose());
        });
        return command;
    }

    public static Command MakeServer()
    {
        var command = new Command("echo-server", "Echoes; holds connections as long as clients do.");
        command.SetAction(async Task (parsed, cancellation) =>
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp); // a kernel may have no other
            listener.Bind(new IPEndPoint(IPAddress.Any, Port));
            listener.Listen(4096);
            Console.WriteLine("serving");
            while (true) _ = EchoAsync(await listener.AcceptAsync(cancellation)); // ends with the process
        });
        return command;
    }

    private static async Task EchoAsync(Socket socket)
    {
        using var _ = socket;
        var buffer = new byte[16];
        try
        {
            while (await socket.ReceiveAsync(buffer) is > 0 and var some) await socket.SendAsync(buffer.AsMemory(0, some));
        }
        catch (SocketException)
        {
            // The client was killed, which is how this scenario ends.
        }
    }
}
