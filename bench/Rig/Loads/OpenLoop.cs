using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ambient.Cli.App;
using Ambient.Native.Events;
using Ambient.Native.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>
/// Requests at a fixed rate, whatever the answers do: each has its moment on the schedule, and its latency counts from that moment, so that
/// waiting for a free connection or a slow answer is not hidden (coordinated omission). One thread, so that the generator itself is quiet.
/// </summary>
internal sealed class OpenLoop(IPEndPoint to, int connections, double rate, TimeSpan time)
{
    private static readonly byte[] Request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"u8.ToArray();

    private readonly Histogram _latency = new();
    private readonly Queue<int> _free = new();
    private readonly Queue<long> _due = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>Runs to the end of the time, and up to ten seconds more for the last answers.</summary>
    public OpenLoopResult Run()
    {
        var sockets = new Exchange[connections];
        using var epoll = new Epoll();
        for (int i = 0; i < connections; i++)
        {
            var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(to);
            socket.Blocking = false;
            sockets[i] = new Exchange(socket);
            epoll.Add((int)socket.Handle, EpollEvents.In, (ulong)i);
            _free.Enqueue(i);
        }

        using var events = new ReadyEvents(256);
        long start = Stopwatch.GetTimestamp();
        double perTick = rate / Stopwatch.Frequency;
        long scheduled = 0, total = (long)(rate * time.TotalSeconds), answered = 0, failed = 0;
        var limit = time + TimeSpan.FromSeconds(10);
        while (answered + failed < total && Stopwatch.GetElapsedTime(start) < limit)
        {
            long now = Stopwatch.GetTimestamp();
            while (scheduled < total && start + (long)(scheduled / perTick) <= now) _due.Enqueue(start + (long)(scheduled++ / perTick));
            while (_due.Count > 0 && _free.TryDequeue(out int free))
            {
                sockets[free].Begin(_due.Dequeue());
                if (SocketCalls.Write(sockets[free].Number, Request).Bytes != Request.Length) failed++;
            }

            // Polls without sleeping: a timer of the kernel would be late by up to 50 us, and that would be measured as the proxy's.
            int ready = epoll.Wait(events, 0);
            for (int i = 0; i < ready; i++)
            {
                var exchange = sockets[(int)events.TokenAt(i)];
                var read = SocketCalls.Read(exchange.Number, _buffer);
                if (read.WouldBlock) continue;
                if (read.Bytes <= 0)
                {
                    failed++;
                    epoll.Remove(exchange.Number);
                    continue;
                }

                if (!exchange.Add(_buffer.AsSpan(0, read.Bytes))) continue;
                _latency.Record(Stopwatch.GetElapsedTime(exchange.Due));
                answered++;
                _free.Enqueue((int)events.TokenAt(i));
            }
        }

        foreach (var exchange in sockets) exchange.Dispose();
        return new OpenLoopResult(answered, failed, total - answered - failed, _latency.Milliseconds(0.5), _latency.Milliseconds(0.99), _latency.Milliseconds(0.999));
    }

    /// <summary>One connection and the answer that is expected on it.</summary>
    private sealed class Exchange(Socket socket) : IDisposable
    {
        private int _missing;

        public int Number { get; } = (int)socket.Handle;

        public long Due { get; private set; }

        public void Begin(long due) => (Due, _missing) = (due, -1);

        /// <summary>Counts bytes of the answer; true when it is complete.</summary>
        public bool Add(ReadOnlySpan<byte> bytes)
        {
            if (_missing < 0)
            {
                int body = bytes.IndexOf("\r\n\r\n"u8) + 4;
                int at = Math.Max(bytes.IndexOf("Content-Length: "u8), bytes.IndexOf("content-length: "u8)) + 16; // HTTP proxies write it small
                if (body < 4 || at < 16 || !System.Buffers.Text.Utf8Parser.TryParse(bytes[at..], out int length, out _))
                    throw new InvalidDataException("the server's answer is not what this load expects: a head in one piece with Content-Length");
                _missing = length - (bytes.Length - body);
            }
            else
            {
                _missing -= bytes.Length;
            }

            return _missing <= 0;
        }

        public void Dispose() => socket.Dispose();
    }
}

/// <summary>What an open loop has seen.</summary>
/// <param name="Answered">Requests with an answer.</param>
/// <param name="Failed">Requests whose connection broke.</param>
/// <param name="Unanswered">Requests without an answer at the end.</param>
internal sealed record OpenLoopResult(long Answered, long Failed, long Unanswered, double P50Milliseconds, double P99Milliseconds, double P999Milliseconds);
