using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Processes;
using Ambient.Native.Unix;
using Ambient.Redirector;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Cni;
using Ambient.Redirector.Handover;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Nodes;
using Ambient.Redirector.Orders;
using Ambient.Redirector.Rules;

if (args.Contains("--help"))
{
    Console.Out.WriteLine(RedirectorOptions.Help);
    return 0;
}
if (args is ["rules"])
{
    // For who wants to know before any pod is captured whether this machine can load them: ambientctl check.
    Console.Out.Write(Ruleset.Sample.Text);
    return 0;
}
var options = RedirectorOptions.Parse(args, Environment.GetEnvironmentVariable, out var faults);
string? nft = NftTool.Find();
if (options is null || nft is null)
{
    foreach (string fault in nft is null ? [.. faults, "nft is missing: apt-get install -y nftables"] : faults)
        Console.Error.WriteLine($"ambient-redirector: {fault}");
    Console.Error.WriteLine("ambient-redirector: see --help");
    return 2;
}
var time = TimeProvider.System;
var log = new StderrLogger(time, Console.Error);
using var loop = new EventLoop(time);
Action end = loop.Stop;
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
// A thread of its own: it enters network namespaces, and the main thread is left as the runtime made it.
int exitCode = 0;
var thread = new Thread(() => exitCode = Run()) { Name = "redirector" };
thread.Start();
thread.Join();
return exitCode;

// What the machine refuses at the start is told in a line; later failures are handled where they happen, or are bugs.
int Run()
{
    try
    {
        // Jobs under way end first, which on a busy machine takes seconds, and NodeProxy gets its sockets meanwhile.
        return Serve(options, nft, loop, time, log, workers => end = () => workers.Close(loop.Stop));
    }
    catch (Exception e) when (!loop.IsRunning && e is (IOException or UnauthorizedAccessException or ArgumentException))
    {
        Console.Error.WriteLine($"ambient-redirector: {e.Message}");
        return 1;
    }
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    loop.Post(() => end());
}

static int Serve(RedirectorOptions options, string nft, EventLoop loop, TimeProvider time, StderrLogger log, Action<NamespaceWorkers> onWorkers)
{
    string bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
    OrderKey key;
    try
    {
        key = OrderKey.Read(options.OrderKeyFile);
    }
    catch (ArgumentException e)
    {
        Console.Error.WriteLine($"ambient-redirector: --order-key {options.OrderKeyFile}: {e.Message}");
        return 2;
    }
    var state = new StateDirectory(options.StateDirectory);
    using var entry = new NamespaceEntry();
    using var writer = new WriterLock(loop, state.PathOf("lock"), log);
    using var workers = new NamespaceWorkers(loop, threads: 4); // ended before the lock is given up
    onWorkers(workers);
    using var inheritance = new Inheritance(state.PathOf(HandoverDoor.FileName));
    NodeDoor? door = null;
    HandoverDoor? successors = null;
    CniDoor? starts = null;
    CniInstallation? installation = null;
    Redirection? redirection = null;
    writer.Take(onWait: inheritance.Await, onTaken: () =>
    {
        log.Started(options.Node, bootId);
        inheritance.Receive();
        var counters = new Counters();
        var tool = new NftTool(nft, time);
        var jobs = new CaptureJobs(new NamespaceFinder(options.NamespaceRoot, options.Proc), new NetSysctls(options.NetSysctls), tool, new RulesBaseline(tool), time);
        var ledger = new CaptureLedger(state.Below("captures"));
        var tools = new CaptureTools(loop, workers, entry, jobs, ledger, inheritance, new NodeSet(counters), counters, bootId, log);
        var serving = redirection = new Redirection(options, tools, new OrderBook(options.Node, bootId, key, state, time), key);
        serving.Restore();
        Tidying.Begin(loop);
        successors = new HandoverDoor(loop, state.PathOf(HandoverDoor.FileName));
        if (options.SocketPath is { } path)
            door = new NodeDoor(loop, path, options.SocketUserId, socket => serving.Add(socket, isChannel: false), counters, log);
        else
            serving.Add(SeqPacketSocket.Adopt(Descriptor.Adopt(options.ChannelDescriptor!.Value)), isChannel: true);
        if (options.CniSocketPath is { } cni)
            starts = new CniDoor(loop, cni, serving.OnCni, counters, log);
        if (options is { CniPlugin: not null, CniSocketPath: not null })
            installation = new CniInstallation(loop, workers, options, counters, log);
    });
    loop.Run();
    installation?.Dispose();
    door?.Dispose();
    workers.Dispose(); // before what their jobs use
    redirection?.Abandon(successors!);
    starts?.Dispose();
    successors?.Dispose();
    log.Ended();
    return 0;
}
