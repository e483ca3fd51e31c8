using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Native.Events;
using Ambient.Native.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>
/// The latency of a closed loop over connections that are open and have carried requests for a while: a tool that counts from its first
/// connect has the handshakes of all of them in its upper percentiles. A process of its own, of one thread.
/// </summary>
internal static class ClosedLoop
{
    private const double WarmUpSeconds = 1;

    public static System.CommandLine.Command Make()
    {
        var to = new Option<string>("--to") { Description = "NETWORK=ADDRESS:PORT", Required = true };
        var connections = new Option<int>("--connections") { Required = true };
        var seconds = new Option<double>("--seconds") { Required = true };
        var command = new System.CommandLine.Command("closed-loop", "Requests one after the other on each connection; their p99 in milliseconds.") { to, connections, seconds };
        command.SetAction(parsed =>
        {
            var sockets = new List<Socket>();
            LoadTarget.InEach([LoadTarget.Parse(parsed.GetValue(to)!)], target =>
            {
                for (int i = 0; i < parsed.GetValue(connections); i++) sockets.Add(target.Connect());
            });
            var latency = Run(sockets, TimeSpan.FromSeconds(WarmUpSeconds), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
            Console.WriteLine(latency.Milliseconds(0.99).ToString("R", CultureInfo.InvariantCulture));
        });
        return command;
    }

    /// <summary>Runs it over one peer.</summary>
    /// <returns>The 99th percentile in milliseconds, after a second over the same connections.</returns>
    /// <exception cref="LabException">A request failed: a figure of failures is none.</exception>
    public static async Task<double> P99Async(IPeer peer, int connections, TimeSpan time)
    {
        var target = new LoadTarget(peer.ClientNetwork, peer.AddressOf(HttpServer.Port));
        var said = await Tool.MustAsync(Cli.Lab.Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"),
            "closed-loop", "--to", $"{target}", "--connections", $"{connections}", "--seconds", time.TotalSeconds.ToString(CultureInfo.InvariantCulture)), atMost: time + TimeSpan.FromSeconds(60));
        return double.Parse(said, CultureInfo.InvariantCulture);
    }

    /// <summary>Takes connected sockets over. Requests that are due after the warm-up and answered before the end are recorded.</summary>
    /// <exception cref="IOException">A connection broke.</exception>
    private static Histogram Run(List<Socket> sockets, TimeSpan warmUp, TimeSpan time)
    {
        using var epoll = new Epoll();
        using var events = new ReadyEvents(256);
        var buffer = new byte[64 * 1024];
        var latency = new Histogram();
        var exchanges = sockets.ConvertAll(socket => new HttpExchange(socket));
        long start = Stopwatch.GetTimestamp(), measured = start + Ticks(warmUp), end = measured + Ticks(time);
        for (int i = 0; i < exchanges.Count; i++)
        {
            sockets[i].Blocking = false;
            epoll.Add(exchanges[i].Number, EpollEvents.In, (ulong)i);
            Send(exchanges[i]);
        }
        while (Stopwatch.GetTimestamp() < end)
        {
            int ready = epoll.Wait(events, 100);
            for (int i = 0; i < ready; i++)
            {
                var exchange = exchanges[(int)events.TokenAt(i)];
                var read = SocketCalls.Read(exchange.Number, buffer);
                if (read.WouldBlock) continue;
                if (read.Bytes <= 0) throw new IOException("a connection broke before its answer was whole");
                if (!exchange.Add(buffer.AsSpan(0, read.Bytes))) continue;
                if (exchange.Due >= measured) latency.Record(Stopwatch.GetElapsedTime(exchange.Due));
                Send(exchange);
            }
        }
        exchanges.ForEach(exchange => exchange.Dispose());
        return latency.Count > 0 ? latency : throw new IOException("no request was answered after the warm-up");
    }

    private static void Send(HttpExchange exchange)
    {
        if (!exchange.TryAsk(Stopwatch.GetTimestamp())) throw new IOException("a connection took no request");
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
