using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Cli.App;

/// <summary>What a load client does.</summary>
internal sealed record LoadSettings
{
    /// <summary>Whom it calls, in turn.</summary>
    public required IReadOnlyList<IPEndPoint> Targets { get; init; }

    /// <summary>Connections a second; 0 for as many as go.</summary>
    public double Rate { get; init; }

    /// <summary>Connections at once.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Bytes of a request.</summary>
    public int RequestBytes { get; init; } = 256;

    /// <summary>Bytes of an answer.</summary>
    public int AnswerBytes { get; init; } = 4096;

    /// <summary>Names the pattern of the bytes.</summary>
    public ulong Seed { get; init; }

    /// <summary>At the start, durations are not recorded for so long: a client that is still being compiled measures itself.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(0.7);

    /// <summary>How long a connection may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Opens connections at a steady pace, makes one request on each, verifies every byte of the answer, and counts. A connection that fails is
/// not tried again: what the app would have seen is what is counted.
/// </summary>
internal sealed class LoadClient(LoadSettings settings)
{
    private readonly Pattern _pattern = new(settings.Seed);
    private readonly Lock _lock = new();
    private readonly Histogram _recent = new(), _all = new();
    private readonly long _began = Stopwatch.GetTimestamp();
    private LoadTally _tally = LoadTally.Nothing;

    private enum Outcome { Ok, Refused, Reset, TimedOut, Corrupt, Other }

    /// <summary>Works until it is cancelled; connections under way then end as they do.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        Task.WhenAll(Enumerable.Range(0, settings.Workers).Select(worker => Task.Run(() => WorkAsync(worker, cancellation), CancellationToken.None)));

    /// <summary>What was seen so far. The recent percentiles start anew with each call.</summary>
    public LoadTally Tally()
    {
        lock (_lock)
        {
            _all.Add(_recent);
            var tally = _tally with
            {
                Seconds = Stopwatch.GetElapsedTime(_began).TotalSeconds,
                P50 = _all.Milliseconds(0.5),
                P99 = _all.Milliseconds(0.99),
                Longest = _all.Milliseconds(1),
                RecentP50 = _recent.Milliseconds(0.5),
                RecentP99 = _recent.Milliseconds(0.99),
            };
            _recent.Clear();
            return tally;
        }
    }

    private async Task WorkAsync(int worker, CancellationToken cancellation)
    {
        var buffer = new byte[RequestHead.Bytes + settings.RequestBytes + 16 * 1024];
        for (long turn = worker; !cancellation.IsCancellationRequested; turn += settings.Workers)
        {
            if (settings.Rate > 0 && !await WaitAsync(TimeSpan.FromSeconds(turn / settings.Rate), cancellation)) return;
            var began = Stopwatch.GetTimestamp();
            var (outcome, failure) = await TryOnceAsync(settings.Targets[(int)(turn % settings.Targets.Count)], buffer);
            Count(outcome, failure, Stopwatch.GetElapsedTime(began));
        }
    }

    private async Task<bool> WaitAsync(TimeSpan moment, CancellationToken cancellation)
    {
        var left = moment - Stopwatch.GetElapsedTime(_began);
        if (left > TimeSpan.Zero) await Task.Delay(left, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
        return !cancellation.IsCancellationRequested;
    }

    private async Task<(Outcome Outcome, string Failure)> TryOnceAsync(IPEndPoint target, byte[] buffer)
    {
        using var timer = new CancellationTokenSource(settings.Patience);
        using var connection = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await connection.ConnectAsync(target, timer.Token);
            new RequestHead(settings.Seed, settings.RequestBytes, settings.AnswerBytes).Write(buffer);
            var request = buffer.AsMemory(0, RequestHead.Bytes + settings.RequestBytes);
            for (var written = RequestHead.Bytes; written < request.Length;)
            {
                var part = _pattern.From(written - RequestHead.Bytes, request.Length - written);
                part.CopyTo(request[written..]);
                written += part.Length;
            }
            while (!request.IsEmpty) request = request[await connection.SendAsync(request, timer.Token)..];
            for (long read = 0; read < settings.AnswerBytes;)
            {
                var some = await connection.ReceiveAsync(buffer, timer.Token);
                if (some == 0) return (Outcome.Reset, $"{target}: ended after {read} of {settings.AnswerBytes} bytes");
                if (read + some > settings.AnswerBytes || !_pattern.Matches(read, buffer.AsSpan(0, some))) return (Outcome.Corrupt, $"{target}: wrong bytes from {read} on");
                read += some;
            }
            return (Outcome.Ok, "");
        }
        catch (OperationCanceledException)
        {
            return (Outcome.TimedOut, $"{target}: {(connection.Connected ? $"no answer to {connection.LocalEndPoint}" : "not connected")} within {settings.Patience.TotalSeconds:0} s");
        }
        catch (SocketException fault)
        {
            var outcome = fault.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => Outcome.Refused,
                SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => Outcome.Reset,
                SocketError.TimedOut => Outcome.TimedOut,
                _ => Outcome.Other,
            };
            return (outcome, $"{target}: {fault.Message}");
        }
    }

    private void Count(Outcome outcome, string failure, TimeSpan duration)
    {
        lock (_lock)
        {
            if (outcome != Outcome.Ok) _tally = _tally with { LastFailure = string.Create(CultureInfo.InvariantCulture, $"{failure} ({TimeProvider.System.GetUtcNow():HH:mm:ss.fff})") };
            else if (Stopwatch.GetElapsedTime(_began) > settings.WarmUp) _recent.Record(duration);
            _tally = outcome switch
            {
                Outcome.Ok => _tally with { Ok = _tally.Ok + 1, Bytes = _tally.Bytes + settings.RequestBytes + settings.AnswerBytes },
                Outcome.Refused => _tally with { Refused = _tally.Refused + 1 },
                Outcome.Reset => _tally with { Reset = _tally.Reset + 1 },
                Outcome.TimedOut => _tally with { TimedOut = _tally.TimedOut + 1 },
                Outcome.Corrupt => _tally with { Corrupt = _tally.Corrupt + 1 },
                Outcome.Other => _tally with { Other = _tally.Other + 1 },
            };
        }
    }
}
