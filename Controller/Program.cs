using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ambient.Controller;
using Ambient.Controller.Authority;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Replicas;
using Microsoft.Extensions.Logging.Console;

// The composition root of ambient-controller: reads the command line, puts the parts together, waits for a signal.
// Exit status: 0 after a clean end, 1 for what went wrong at work, 2 for a command line that makes no sense.
const int Failed = 1;
const int BadUsage = 2;

Option<string?> Text(string name, string description) => new($"--{name}") { Description = $"{description} [AMBIENT_{name.ToUpperInvariant().Replace('-', '_')}]" };

var source = Text("source", "Folder of YAML files that describe the mesh, or kubernetes for a cluster's API; its changes are followed");
var state = Text("state", "Folder of keys and records; made if it is missing. A cluster has them in Secrets instead");
var listen = Text("listen", "Where nodes connect, like [::]:15010, which is both IPv6 and IPv4");
var trustDomain = Text("trust-domain", "Trust domain of identities where no MeshConfig names one (cluster.local)");
var lifetime = Text("leaf-lifetime", "Validity of workload certificates, like 90s, 30m or 48h (48h)");
var excluded = Text("excluded-namespaces", "Namespaces that are never enrolled besides kube-system and ambient-system, like A,B; the same that every node's Redirector is given");
var admin = Text("admin", "Where the admin pages are, or none (127.0.0.1:15011)");
var caCertificate = Text("ca-cert", "PEM file of an authority to use instead of one of our own: certificate, intermediates, root");
var caKey = Text("ca-key", "PEM file of that authority's EC private key");
var kubeconfig = Text("kubeconfig", "Kubeconfig of the cluster; without it the configuration that a pod finds in itself");
var ns = Text("namespace", "Namespace of the mesh's own parts in the cluster (ambient-system)");
var node = Text("node", "The node that the token is for");
var valid = Text("valid", "How long the token is good, like 720h (720h)");
Option<string?>[] serving = [source, kubeconfig, ns, state, listen, trustDomain, lifetime, excluded, admin, caCertificate, caKey];

var root = new RootCommand("Serves the nodes of an Ambient mesh: what there is, who may be whom, what to capture.");
foreach (var option in serving)
    root.Options.Add(option);
root.SetAction((parsed, cancellation) => ServeAsync(parsed));

var init = new Command("init", "Makes the keys in the state folder, and the two files that nodes are given: bundle.pem and order-key.pem.");
init.Options.Add(state);
init.Options.Add(caCertificate);
init.Options.Add(caKey);
init.SetAction(parsed => WithState(parsed, keys => { }));
root.Subcommands.Add(init);

var token = new Command("token", "Prints a token with which one node may join.");
token.Options.Add(state);
token.Options.Add(node);
token.Options.Add(valid);
token.SetAction(PrintToken);
root.Subcommands.Add(token);

var now = new Option<bool>("--now") { Description = "Do not wait until the step before has had its effect everywhere" };
var rotation = new Command("root", "Replaces the mesh's root, step by step and without a restart: add, switch, retire.");
Command Step(string name, string description, Action<RootRotation, ParseResult> step)
{
    var command = new Command(name, description);
    foreach (var option in (Option<string?>[])[state, source, kubeconfig, ns])
        command.Options.Add(option);
    command.SetAction((parsed, cancellation) => WithRotationAsync(parsed, rotated => step(rotated, parsed), cancellation));
    rotation.Subcommands.Add(command);
    return command;
}
Step("add", "Makes the next root: all trust it from now on, and it signs nothing yet.", (r, _) => r.Add());
var switching = Step("switch", "The next root signs from now on; the one before stays trusted.", (r, parsed) =>
{
    if (!ControllerOptions.TryReadDuration(Get(parsed, "leaf-lifetime") ?? "48h", out var leaf))
        throw new AuthorityException("--leaf-lifetime: expected a time like 90s, 30m or 48h, the one that the controller serves with");
    r.Switch(leaf, parsed.GetValue(now));
});
switching.Options.Add(lifetime);
switching.Options.Add(now);
Step("retire", "Ends the trust in the root before, once its last certificates have ended.", (r, parsed) => r.Retire(parsed.GetValue(now))).Options.Add(now);
root.Subcommands.Add(rotation);
root.Subcommands.Add(CheckCommand.Make());

var result = root.Parse(args);
if (result.Errors.Count > 0)
    return Usage(result.Errors.Select(e => e.Message));
return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

string? Get(ParseResult parsed, string name) =>
    serving.Concat([node, valid]).FirstOrDefault(o => o.Name == $"--{name}") is { } option && parsed.GetValue(option) is { } given
        ? given
        : Environment.GetEnvironmentVariable($"AMBIENT_{name.ToUpperInvariant().Replace('-', '_')}") is { Length: > 0 } set ? set : null;

async Task<int> ServeAsync(ParseResult parsed)
{
    if (ControllerOptions.Read(name => Get(parsed, name), out var faults) is not { } options)
        return Usage(faults);

    using var loggers = LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddFilter("Grpc", LogLevel.Warning)
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.UseUtcTimestamp = true;
        })
        .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));

    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var starting = new CancellationTokenSource(); // a start may wait for the API for long
    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.TrySetResult();
        starting.Cancel();
    }
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    try
    {
        await using var host = await ControllerHost.StartAsync(options, TimeProvider.System, loggers, starting.Token);
        await await Task.WhenAny(stop.Task, host.Running);
        loggers.CreateLogger("controller").Stopping();
        return 0;
    }
    catch (OperationCanceledException) when (starting.IsCancellationRequested)
    {
        return 0;
    }
    catch (Exception e) when (IsExpected(e))
    {
        return Fail(e.Message);
    }
}

int WithState(ParseResult parsed, Action<StateKeys> use)
{
    if (Get(parsed, "state") is not { } folder)
        return Usage(["--state: expected a folder for keys and records"]);
    if (Get(parsed, "ca-cert") is null != Get(parsed, "ca-key") is null)
        return Usage(["--ca-cert, --ca-key: expected both or neither"]);
    try
    {
        use(StateKeys.Open(new StateFolder(folder), Get(parsed, "ca-cert"), Get(parsed, "ca-key"), TimeSpan.FromHours(48), TimeProvider.System));
        return 0;
    }
    catch (Exception e) when (IsExpected(e))
    {
        return Fail(e.Message);
    }
}

async Task<int> WithRotationAsync(ParseResult parsed, Action<RootRotation> step, CancellationToken cancellation)
{
    try
    {
        if (Get(parsed, "source") is ControllerOptions.KubernetesSource)
        {
            var faults = new List<string>();
            var cluster = ControllerOptions.ClusterOf(name => Get(parsed, name), faults);
            if (faults.Count > 0)
                return Usage(faults);
            var api = new ApiConnection(cluster.Kubeconfig, TimeProvider.System);
            await ClusterKeys.RotateAsync(() => api.Client, cluster.Namespace, step, TimeProvider.System, cancellation);
            return 0;
        }
        if (Get(parsed, "state") is not { } folder || !Directory.Exists(folder))
            return Usage(["--state: expected the folder of the controller's keys, or --source kubernetes"]);
        step(new RootRotation(new StateFolder(folder), TimeProvider.System));
        return 0;
    }
    catch (Exception e) when (IsExpected(e))
    {
        return Fail(e.Message);
    }
}

int PrintToken(ParseResult parsed)
{
    if (Get(parsed, "node") is not { } name)
        return Usage(["--node: expected the name of a node"]);
    if (!ControllerOptions.TryReadDuration(Get(parsed, "valid") ?? "720h", out var validity) || validity <= TimeSpan.Zero)
        return Usage(["--valid: expected a time like 90s, 30m or 720h"]);
    if (Get(parsed, "state") is not { } folder)
        return Usage(["--state: expected the folder of the controller's keys"]);
    try
    {
        // Only the token's key: with an authority that was given, this folder has no other.
        Console.WriteLine(JoinTokens.OfState(new StateFolder(folder)).Create(name, TimeProvider.System.GetUtcNow() + validity));
        return 0;
    }
    catch (Exception e) when (IsExpected(e))
    {
        return Fail(e.Message);
    }
}

int Usage(IEnumerable<string> faults)
{
    foreach (var fault in faults)
        Console.Error.WriteLine($"ambient-controller: {fault}");
    Console.Error.WriteLine("ambient-controller: see ambient-controller --help");
    return BadUsage;
}

int Fail(string message)
{
    Console.Error.WriteLine($"ambient-controller: {message}");
    return Failed;
}

static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or AuthorityException or SocketException
    or ClusterException;
