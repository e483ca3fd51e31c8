using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>A client that is there before the proxy: connects, says so, sends a byte and says when the first byte came back.</summary>
internal static class FirstByteClient
{
    public const string Connected = "connected";

    public static Command Make()
    {
        var to = new Option<string>("--to") { Required = true };
        var command = new Command("first-byte", "Connects, sends a byte, and says when it came back.") { to };
        command.SetAction(parsed =>
        {
            var address = IPEndPoint.Parse(parsed.GetValue(to)!);
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            var one = new byte[1];
            socket.Connect(address); // into the queue of the listener, which outlives proxies
            socket.Send(one);
            Console.WriteLine(Connected);
            if (socket.Receive(one) != 1) throw new IOException("the connection ended before its byte came back");
            Console.WriteLine(TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture));
        });
        return command;
    }
}
