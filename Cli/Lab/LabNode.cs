using Ambient.Native.Unix;

namespace Ambient.Cli.Lab;

/// <summary>One node of the lab: its folder, its Redirector and its NodeProxy, both in the node's network namespace.</summary>
internal sealed class LabNode : IDisposable
{
    // While one child is started that inherits a descriptor, no other one may be.
    private static readonly Lock Inheriting = new();

    private readonly LabController _controller;
    private readonly LabLog _log;
    private readonly Users _users;
    private readonly string _folder;
    private readonly AdminClient _admin;
    private readonly string _drainSeconds, _canaryService;

    // Where there is only one user, a socket's owner proves nothing: the two share a pair from birth. The lab keeps both ends, so
    // that either process can be replaced.
    private readonly (SeqPacketSocket Redirector, SeqPacketSocket NodeProxy)? _pair;

    private LabNode(int number, LabController controller, string folder, Users users, LabLog log)
    {
        Program = controller.Mesh.NodeProxyPrograms.GetValueOrDefault(number) ?? Programs.NodeProxy;
        (Number, _controller, _log, _users) = (number, controller, log, users);
        _folder = Path.Combine(folder, Name);
        if (users.NodeProxy is null) _pair = SeqPacketSocket.Pair();
        _canaryService = controller.Mesh.CanaryService ?? "none";
        _drainSeconds = $"{controller.Mesh.NodeDrainSeconds}";
        Redirector = new Supervised($"{Name}/redirector", StartRedirector);
        NodeProxy = new Supervised($"{Name}/proxy", StartNodeProxy);
        _admin = AdminClient.OverSocket(AdminSocket);
    }

    /// <summary>Its number, from 1.</summary>
    public int Number { get; }

    /// <summary>Its name, which is also that of its network namespace.</summary>
    public string Name => Topology.NodeNetwork(Number);

    /// <summary>Its Redirector.</summary>
    public Supervised Redirector { get; }

    /// <summary>Its NodeProxy.</summary>
    public Supervised NodeProxy { get; }

    /// <summary>The program of its NodeProxy.</summary>
    public string Program { get; }

    /// <summary>Where ambientctl asks its NodeProxy.</summary>
    public string AdminSocket => Path.Combine(_folder, "proxy", "admin.sock");

    /// <summary>NodeProxy's admin pages.</summary>
    public AdminClient Admin => _admin;

    /// <summary>Where a CNI plugin asks its Redirector.</summary>
    public string CniSocket => Path.Combine(_folder, "cni", "cni.sock");

    /// <summary>Where its Redirector keeps its last order, and what of it the CNI plugin needs.</summary>
    public string RedirectorState => Path.Combine(_folder, "redirector");

    private string RedirectorSocket => Path.Combine(_folder, "redirector.sock");

    private string Token => Path.Combine(_folder, "proxy", "token");

    /// <summary>Makes its folder with what the machine's owner gives a node beforehand: bundle, order key, join token.</summary>
    public static async Task<LabNode> PrepareAsync(int number, LabController controller, string folder, Users users, LabLog log)
    {
        var node = new LabNode(number, controller, folder, users, log);
        Directory.CreateDirectory(Path.Combine(node._folder, "proxy"));
        Directory.CreateDirectory(node.RedirectorState);
        File.Copy(controller.Bundle, Path.Combine(node._folder, "bundle.pem"));
        File.Copy(controller.OrderKey, Path.Combine(node._folder, "order-key.pem"));
        await File.WriteAllTextAsync(node.Token, await controller.TokenAsync(node.Name) + "\n");
        Rights.Set(node.Token, "0400");
        await Rights.GiveAsync(Path.Combine(node._folder, "proxy"), users.NodeProxy);
        return node;
    }

    /// <summary>Waits until NodeProxy has a view and its Redirector.</summary>
    public Task<TimeSpan> WaitUntilReadyAsync(TimeSpan atMost) => Waiting.UntilAsync($"{Name} is ready", atMost, _log, async () =>
    {
        if (!NodeProxy.IsRunning) return "NodeProxy has ended";
        var (status, text) = await _admin.GetAsync("/ready");
        return status == 200 ? null : text.Trim();
    });

    /// <summary>Whether two NodeProxies can run at once: over an inherited pair only one of them could be spoken to.</summary>
    public bool CanRunTwo => _pair is null;

    /// <summary>
    /// Replaces NodeProxy as an upgrade does: the new one is started beside the old one, and when it is ready the old one is told to end.
    /// </summary>
    /// <returns>The old one, which drains.</returns>
    public async Task<LabProcess> ReplaceNodeProxyAsync(TimeSpan atMost)
    {
        if (!CanRunTwo) throw new LabException("Two NodeProxies at once need a user of their own for them.");
        var old = NodeProxy.StartBeside() ?? throw new LabException($"{Name} has no NodeProxy to replace.");
        var successor = NodeProxy.Current!;
        await Waiting.UntilAsync($"the new NodeProxy of {Name} is ready", atMost, _log, async () =>
        {
            if (successor.Ended.IsCompleted) return "it has ended";
            var status = await Admin.GetJsonAsync("/status");
            return (int?)status["process_id"] != successor.Id ? "it does not answer yet" : (bool?)status["ready"] == true ? null : "it is not ready";
        });
        old.Terminate();
        return old;
    }

    /// <summary>
    /// Replaces Redirector, or both programs at once, as a DaemonSet with surge does it: the new process is started beside the old one, which
    /// is told to end when the new one runs and, for NodeProxy, is ready. Returns when the node is whole again.
    /// </summary>
    /// <returns>The old ones.</returns>
    public async Task<LabProcess[]> SurgeAsync(bool isBoth, TimeSpan atMost)
    {
        var waiting = _log.Of(Redirector.Name).Count(line => line.Contains("waiting until it ends"));
        var oldRedirector = Redirector.StartBeside() ?? throw new LabException($"{Name} has no Redirector to replace.");
        await Waiting.UntilAsync($"the new Redirector of {Name} waits for its turn", atMost, _log, () => Task.FromResult(
            _log.Of(Redirector.Name).Count(line => line.Contains("waiting until it ends")) > waiting ? null : "not yet"));
        // What ReplaceNodeProxyAsync ends with is a SIGTERM; the other one follows at once.
        LabProcess[] old = isBoth ? [oldRedirector, await ReplaceNodeProxyAsync(atMost)] : [oldRedirector];
        oldRedirector.Terminate();
        await Waiting.UntilAsync($"the old Redirector of {Name} ends", atMost, _log, () => Task.FromResult(oldRedirector.Ended.IsCompleted ? null : "not yet"));
        await WaitUntilReadyAsync(atMost);
        return old;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _admin.Dispose();
        _pair?.Redirector.Dispose();
        _pair?.NodeProxy.Dispose();
    }

    private LabProcess StartRedirector()
    {
        string[] common = ["--node", Name, "--order-key", Path.Combine(_folder, "order-key.pem"), "--state", RedirectorState, "--netns-root", "/run/netns",
            "--cni-socket", CniSocket, "--host-net", "/proc/self/net", "--canary-service", _canaryService];
        return _pair is { } pair
            ? StartWith(pair.Redirector, channel => Start(Redirector!.Name, Command.Of(Programs.Redirector, [.. common, "--channel-fd", channel])))
            : Start(Redirector!.Name, Command.Of(Programs.Redirector, [.. common, "--socket", RedirectorSocket, "--socket-uid", $"{_users.NodeProxy}"]));
    }

    private LabProcess StartNodeProxy()
    {
        string[] common =
        [
            "--node", Name, "--controller", LabController.Address, "--bundle", Path.Combine(_folder, "bundle.pem"), "--token-file", Token,
            "--admin", "0.0.0.0:15020", "--admin-socket", AdminSocket, "--drain-seconds", _drainSeconds,
        ];
        LabProcess StartUnprivileged(params string[] channel) =>
            Start(NodeProxy!.Name, Command.Of(Program, [.. common, .. channel]).WithoutPrivilege(_users.NodeProxy));
        return _pair is { } pair
            ? StartWith(pair.NodeProxy, channel => StartUnprivileged("--redirector-fd", channel))
            : StartUnprivileged("--redirector", RedirectorSocket);
    }

    private LabProcess Start(string name, Command command) => LabProcess.Start(name, command.Inside(Name), _log);

    private static LabProcess StartWith(SeqPacketSocket end, Func<string, LabProcess> start)
    {
        lock (Inheriting)
        {
            using var inherited = InheritedDescriptor.Of(end.Number);
            return start($"{inherited.Number}");
        }
    }
}
