using Ambient.NodeProxy;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Unit.Host;

/// <summary>What runs beside the data path, and its ends.</summary>
public sealed class BackgroundWorkTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly LineLog _log = new();

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task Nothing_ends_before_it_is_asked_to()
    {
        using var work = new BackgroundWork(_log, _stop.Token);
        work.Begin("a stream", UntilCancelledAsync);
        Task<bool> end = work.EndAsync();
        Assert.False(end.IsCompleted);

        await _stop.CancelAsync();
        Assert.True(await end.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_piece_that_fails_ends_the_others_at_once_and_is_named_with_its_fault()
    {
        var fail = new TaskCompletionSource();
        bool isOtherEnded = false;
        using var work = new BackgroundWork(_log, _stop.Token);
        work.Begin("a stream", async cancellation =>
        {
            await UntilCancelledAsync(cancellation);
            isOtherEnded = true;
        });
        work.Begin("a keeper", _ => fail.Task);
        Task<bool> end = work.EndAsync();

        fail.SetException(new InvalidDataException("odd bytes"));
        Assert.False(await end.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.True(isOtherEnded);
        Assert.Collection(_log.Lines,
            line => Assert.Contains("a keeper has ended", line, StringComparison.Ordinal),
            line => Assert.Equal("A bug: a keeper failed: odd bytes", line));
    }

    [Fact]
    public async Task A_piece_that_ends_without_a_fault_is_a_bug_all_the_same()
    {
        using var work = new BackgroundWork(_log, _stop.Token);
        work.Begin("a stream", UntilCancelledAsync);
        work.Begin("a keeper", _ => Task.CompletedTask);

        Assert.False(await work.EndAsync().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Contains("a keeper has ended", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_piece_that_fails_while_it_is_asked_to_end_keeps_nobody_from_draining()
    {
        using var work = new BackgroundWork(_log, _stop.Token);
        work.Begin("a stream", async cancellation =>
        {
            await UntilCancelledAsync(cancellation);
            throw new InvalidDataException("at the end");
        });

        await _stop.CancelAsync();
        Assert.False(await work.EndAsync().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal("A bug: a stream failed: at the end", Assert.Single(_log.Lines));
    }

    private static Task UntilCancelledAsync(CancellationToken cancellation)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cancellation.Register(cancelled.SetResult);
        return cancelled.Task;
    }

    private sealed class LineLog : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception) + (exception is null ? "" : $": {exception.Message}"));
    }
}
