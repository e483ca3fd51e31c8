using System.Net;
using Ambient.NodeProxy;
using Ambient.NodeProxy.Telemetry;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Ambient.Bench.Micro.Telemetry;

/// <summary>
/// The log line that a connection can cause: a refusal, of which a loop writes few a second. <c>Line</c> is the text as the process writes
/// it (Program.cs has the same formatter and settings), without the write itself, which another thread does; <c>Silent</c> is a level that is off.
/// </summary>
[MemoryDiagnoser]
public class LogBenchmarks
{
    private readonly IPEndPoint _client = IPEndPoint.Parse("10.1.2.3:43210");
    private readonly IPEndPoint _target = IPEndPoint.Parse("10.4.5.6:8080");
    private readonly ILogger _line = new Formatted();

    [Benchmark]
    public void Line() => Refuse(_line);

    [Benchmark]
    public void Silent() => Refuse(NullLogger.Instance);

    private void Refuse(ILogger to) => NodeLog.Refused(
        to, Reporter.Destination, RefusalReason.Denied, "shop/api-7d9f8b6c5d-x2x4z", _client, _target, "denied by AccessPolicy shop/orders rule 2");

    private sealed class Formatted : ILogger
    {
        private readonly StringWriter _text = new();
        private readonly ConsoleFormatter _formatter = new ServiceCollection()
            .AddLogging(logging => logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            }))
            .BuildServiceProvider().GetServices<ConsoleFormatter>().Single(formatter => formatter.Name == ConsoleFormatterNames.Simple);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            _text.GetStringBuilder().Clear();
            _formatter.Write(new LogEntry<TState>(logLevel, "ambient.node", eventId, state, exception, formatter), null, _text);
        }
    }
}
