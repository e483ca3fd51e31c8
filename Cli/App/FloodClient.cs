using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Cli.App;

/// <summary>What a flood does.</summary>
internal sealed record FloodSettings
{
    /// <summary>Whom it attacks, in turn.</summary>
    public required IReadOnlyList<IPEndPoint> Targets { get; init; }

    /// <summary>Connections that it opens.</summary>
    public long Attempts { get; init; }

    /// <summary>Connections at once.</summary>
    public int Workers { get; init; } = 64;

    /// <summary>Whether connections are kept until the end, or reset as soon as they are open.</summary>
    public bool Holds { get; init; }
}

/// <summary>Opens connections as fast as they go and has no use for them: what an attacker in a pod does, or an app with a bug.</summary>
internal sealed class FloodClient(FloodSettings settings)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<Socket> _held = [];
    private long _attempts;
    private long _connected;
    private long _failed;

    /// <summary>Works until all attempts are made or it is cancelled; then, if it holds, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await Task.WhenAll(Enumerable.Range(0, settings.Workers).Select(_ => Task.Run(() => WorkAsync(cancellation), CancellationToken.None)));
        if (settings.Holds) await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
        lock (_held) _held.ForEach(socket => socket.Dispose());
    }

    /// <summary>What was seen so far.</summary>
    public FloodTally Tally()
    {
        int open;
        // What the other side has reset can be read: nothing ever answers here otherwise.
        lock (_held) open = _held.Count(socket => !socket.Poll(0, SelectMode.SelectRead));
        return new FloodTally(
            Stopwatch.GetElapsedTime(_began).TotalSeconds, Math.Min(Interlocked.Read(ref _attempts), settings.Attempts),
            Interlocked.Read(ref _connected), Interlocked.Read(ref _failed), open);
    }

    private async Task WorkAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _attempts);
            if (number > settings.Attempts) return;
            var target = settings.Targets[(int)(number % settings.Targets.Count)];
            var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                using var timer = new CancellationTokenSource(Patience);
                await socket.ConnectAsync(target, timer.Token);
                Interlocked.Increment(ref _connected);
                if (settings.Holds)
                {
                    lock (_held) _held.Add(socket);
                    continue;
                }
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception fault) when (fault is SocketException or OperationCanceledException)
            {
                Interlocked.Increment(ref _failed);
            }
            socket.Dispose();
        }
    }
}
