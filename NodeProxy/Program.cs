using System.Runtime.InteropServices;
using Ambient.Native.Processes;
using Ambient.NodeProxy;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

// The composition root: settings, the log, the node, and its end.
var options = NodeOptions.Read(args, Environment.GetEnvironmentVariable, Console.Error, out int status);
if (options is null) return status;
if (Credentials.HasAnyCapability())
{
    Console.Error.WriteLine(
        "ambient-node: this process parses what strangers send and runs without any capability. Start it as its own user, for example:\n"
        + "  setpriv --reuid 65532 --regid 65532 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs ambient-node ...");
    return 2;
}

using var logging = LoggerFactory.Create(builder => builder
    .SetMinimumLevel(LogLevel.Information)
    .AddSimpleConsole(console =>
    {
        console.SingleLine = true;
        console.UseUtcTimestamp = true;
        console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        console.ColorBehavior = LoggerColorBehavior.Disabled;
    })
    .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));

using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
return await NodeHost.RunAsync(options, TimeProvider.System, logging, stop.Token) ? 0 : 1;
