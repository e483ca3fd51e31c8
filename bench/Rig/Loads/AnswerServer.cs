using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Native.Events;
using Ambient.Native.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>The same 1 KB answer as <see cref="HttpServer"/> gives, from one process that listens in many pods at once: nginx cannot enter namespaces.</summary>
internal static class AnswerServer
{
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n{new string('x', 1023)}\n");

    public static Command Make()
    {
        var networks = new Option<string[]>("--in") { Description = "network namespaces", Required = true, AllowMultipleArgumentsPerToken = true };
        var port = new Option<int>("--port") { Required = true };
        var command = new Command("answer-server", "Answers every HTTP/1.1 request with 1 KB, in many network namespaces.") { networks, port };
        command.SetAction(parsed =>
        {
            var anywhere = new IPEndPoint(IPAddress.Any, parsed.GetValue(port));
            var listeners = new List<Socket>();
            LoadTarget.InEach(parsed.GetValue(networks)!.Select(network => new LoadTarget(network, anywhere)), target =>
            {
                var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                listener.Bind(target.To);
                listener.Listen(4096);
                listeners.Add(listener);
            });
            Console.WriteLine("serving");
            Serve([.. listeners.Select(listener => (int)listener.Handle)]);
            listeners.ForEach(listener => listener.Dispose());
        });
        return command;
    }

    // Ends with the process.
    private static void Serve(HashSet<int> listeners)
    {
        using var epoll = new Epoll();
        using var events = new ReadyEvents(256);
        var buffer = new byte[16 * 1024];
        foreach (int listener in listeners) epoll.Add(listener, EpollEvents.In, (ulong)listener);
        while (true)
        {
            int ready = epoll.Wait(events, -1);
            for (int i = 0; i < ready; i++)
            {
                int number = (int)events.TokenAt(i);
                if (listeners.Contains(number))
                {
                    while (SocketCalls.Accept(number, out _) is >= 0 and var accepted) epoll.Add(accepted, EpollEvents.In, (ulong)accepted);
                    continue;
                }

                var read = SocketCalls.Read(number, buffer);
                if (read.WouldBlock) continue;
                // A request is far smaller than a segment; one that is cut in two ends with the second part.
                if (read.Bytes > 0)
                {
                    if (buffer.AsSpan(0, read.Bytes).EndsWith("\r\n\r\n"u8) && SocketCalls.Write(number, Answer).Bytes == Answer.Length) continue;
                    if (!buffer.AsSpan(0, read.Bytes).EndsWith("\r\n\r\n"u8)) continue;
                }

                epoll.Remove(number);
                SocketCalls.Close(number);
            }
        }
    }
}
