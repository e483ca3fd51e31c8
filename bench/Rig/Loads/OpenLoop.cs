using System.Diagnostics;
using System.Net.Sockets;
using Ambient.Bench.Rig.Accounting;
using Ambient.Cli.App;
using Ambient.Native.Events;
using Ambient.Native.Processes;
using Ambient.Native.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>
/// Requests at a fixed rate, whatever the answers do: each has its moment on the schedule, and its latency counts from that moment, so that
/// waiting for a free connection or a slow answer is not hidden (coordinated omission). Connections take turns. One thread, which sleeps
/// until the next request is due or an answer is there: one that polled would take a core of the proxies'. What it is late by is in the
/// latency, and told apart beside it.
/// </summary>
internal sealed class OpenLoop : IDisposable
{
    private readonly HttpExchange[] _exchanges;
    private readonly Epoll _epoll = new();
    private readonly Queue<int> _free = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>Takes connected sockets over.</summary>
    public OpenLoop(IReadOnlyList<Socket> sockets)
    {
        _exchanges = new HttpExchange[sockets.Count];
        for (int i = 0; i < sockets.Count; i++)
        {
            sockets[i].Blocking = false;
            _exchanges[i] = new HttpExchange(sockets[i]);
            _epoll.Add(_exchanges[i].Number, EpollEvents.In, (ulong)i);
            _free.Enqueue(i);
        }
    }

    /// <summary>Runs to the end of the time, and up to ten seconds more for the last answers. May be called again on the same connections.</summary>
    public OpenLoopResult Run(double rate, TimeSpan time)
    {
        TimerSlack.RemoveForThisThread();
        using var events = new ReadyEvents(256);
        var (latency, late) = (new Histogram(), new Histogram());
        double cpuBefore = ProcessCpu.Seconds([Environment.ProcessId]);
        var due = new Queue<long>();
        double sum = 0;
        long start = Stopwatch.GetTimestamp();
        double perTick = rate / Stopwatch.Frequency;
        long scheduled = 0, total = (long)(rate * time.TotalSeconds), answered = 0, failed = 0;
        long limit = (long)((time + TimeSpan.FromSeconds(10)).TotalSeconds * Stopwatch.Frequency);
        while (answered + failed < total && Stopwatch.GetTimestamp() - start < limit)
        {
            long now = Stopwatch.GetTimestamp();
            while (scheduled < total && start + (long)(scheduled / perTick) <= now) due.Enqueue(start + (long)(scheduled++ / perTick));
            while (due.Count > 0 && _free.TryDequeue(out int free))
            {
                late.Record(Stopwatch.GetElapsedTime(due.Peek()));
                if (!_exchanges[free].TryAsk(due.Dequeue())) failed++;
            }

            int ready = _epoll.Wait(events, 0);
            if (ready == 0)
            {
                // With all asked for, or none free, only answers can come: then it looks at the limit from time to time.
                long next = scheduled < total && _free.Count > 0 ? start + (long)(scheduled / perTick) : Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 10);
                _epoll.WaitPrecisely(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next));
                continue;
            }
            for (int i = 0; i < ready; i++)
            {
                var exchange = _exchanges[(int)events.TokenAt(i)];
                var read = SocketCalls.Read(exchange.Number, _buffer);
                if (read.WouldBlock) continue;
                if (read.Bytes <= 0)
                {
                    failed++;
                    _epoll.Remove(exchange.Number);
                    continue;
                }

                if (!exchange.Add(_buffer.AsSpan(0, read.Bytes))) continue;
                var took = Stopwatch.GetElapsedTime(exchange.Due);
                latency.Record(took);
                sum += took.TotalMilliseconds;
                answered++;
                _free.Enqueue((int)events.TokenAt(i));
            }
        }

        return new OpenLoopResult(answered, failed, total - answered - failed, sum / Math.Max(1, answered),
            latency.Milliseconds(0.5), latency.Milliseconds(0.99), latency.Milliseconds(0.999), late.Milliseconds(0.5), late.Milliseconds(0.99),
            1e6 * (ProcessCpu.Seconds([Environment.ProcessId]) - cpuBefore) / Math.Max(1, total));
    }

    public void Dispose()
    {
        foreach (var exchange in _exchanges) exchange.Dispose();
        _epoll.Dispose();
    }
}

/// <summary>What an open loop has seen.</summary>
/// <param name="Answered">Requests with an answer.</param>
/// <param name="Failed">Requests whose connection broke.</param>
/// <param name="Unanswered">Requests without an answer at the end.</param>
/// <param name="LateP50Milliseconds">By how much requests were sent after they were due: the generator's own lateness, and waiting for a free connection.</param>
/// <param name="LateP99Milliseconds">The same.</param>
/// <param name="OwnCpuMicroseconds">What the generator itself used, a request.</param>
internal sealed record OpenLoopResult(long Answered, long Failed, long Unanswered, double MeanMilliseconds, double P50Milliseconds, double P99Milliseconds, double P999Milliseconds,
    double LateP50Milliseconds, double LateP99Milliseconds, double OwnCpuMicroseconds);
