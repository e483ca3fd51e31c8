using System.Diagnostics;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Redirector;
using Ambient.Tests.Mesh.Rig;
using Grpc.Net.Client;
using Command = Ambient.Tests.Mesh.Redirector.Command;

namespace Ambient.Tests.Mesh.Cni.Runtime;

/// <summary>
/// A containerd of the test's own, spoken to as kubelet does, on a network of the reference plugins that <c>ambient-cni install</c> has
/// chained the plugin into. Everything of it lies in the run's folder, but for pods' namespaces and cgroups, which it removes.
/// </summary>
internal sealed class Containerd : IDisposable
{
    private const string Bridge = "cnirt0", Plugins = "/usr/lib/cni";

    private static readonly string[] NeededPlugins = ["bridge", "host-local", "loopback"];

    private readonly string _folder;
    private readonly string _cgroup = $"/ambient-test-{Environment.ProcessId}";
    private readonly List<string> _sandboxes = [];
    private readonly Process _process;
    private readonly GrpcChannel _channel;
    private readonly RuntimeService.RuntimeServiceClient _runtime;

    /// <param name="run">Redirector's, whom the plugin asks.</param>
    public Containerd(RedirectorRun run)
    {
        Machine.Offers("containerd", "ctr", "runc", "ldd");
        foreach (string plugin in NeededPlugins)
            Assert.SkipUnless(File.Exists(Path.Combine(Plugins, plugin)), "containernetworking-plugins is not installed.");
        Assert.SkipWhen(File.Exists(Programs.CniPlugin + ".dll"), "The plugin is installed as one file, which it is only when compiled ahead of time.");
        _folder = Directory.CreateDirectory(Path.Combine(run.Folder, "containerd")).FullName;
        Chain(run);
        string address = Path.Combine(_folder, "sock"), image = Path.Combine(_folder, "pause.tar"), config = Path.Combine(_folder, "config.toml");
        File.WriteAllText(config, Configuration(address));
        _process = Process.Start(new ProcessStartInfo("sh", ["-c", $"exec containerd --config {config} >{Log} 2>&1"]))!;
        try
        {
            Wire.Until(() => Command.TryRun("ctr", "--address", address, "version").ExitCode == 0, "containerd's answer");
            PauseImage.Write(image);
            Command.Run("ctr", "--address", address, "--namespace", "k8s.io", "images", "import", "--no-unpack", image);   // the runtime unpacks it where it is used
        }
        catch
        {
            EndProcess();
            throw;
        }
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = UnixSocket.HandlerOf(address) });
        _runtime = new RuntimeService.RuntimeServiceClient(_channel);
    }

    private string Log => Path.Combine(_folder, "log");

    /// <summary>Makes a pod as kubelet does, up to where its first container could be started.</summary>
    /// <exception cref="Grpc.Core.RpcException">As kubelet gets it, and shows it as the pod's event.</exception>
    public string Run(string @namespace, string name, string uid)
    {
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = name, Uid = uid, Namespace = @namespace },
            Hostname = name, LogDirectory = _folder, Linux = new LinuxPodSandboxConfig { CgroupParent = _cgroup },
        };
        string id = _runtime.RunPodSandbox(new RunPodSandboxRequest { Config = config }, deadline: Soon()).PodSandboxId;
        _sandboxes.Add(id);
        return id;
    }

    public System.Net.IPAddress AddressOf(string sandbox) =>
        System.Net.IPAddress.Parse(_runtime.PodSandboxStatus(new PodSandboxStatusRequest { PodSandboxId = sandbox }, deadline: Soon()).Status.Network.Ip);

    public void End(string sandbox)
    {
        _runtime.StopPodSandbox(new StopPodSandboxRequest { PodSandboxId = sandbox }, deadline: Soon());
        _runtime.RemovePodSandbox(new RemovePodSandboxRequest { PodSandboxId = sandbox }, deadline: Soon());
        _sandboxes.Remove(sandbox);
    }

    public void Dispose()
    {
        try
        {
            foreach (string sandbox in _sandboxes.ToArray()) End(sandbox);
        }
        finally
        {
            _channel.Dispose();
            EndProcess();
        }
        foreach (string line in File.ReadLines(Log).Where(line => line.Contains("level=error", StringComparison.Ordinal)))
            TestContext.Current.TestOutputHelper?.WriteLine(line);
        Command.TryRun("ip", "link", "del", Bridge);
        foreach (string hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup"))
        {
            if (Directory.Exists(hierarchy + _cgroup)) Directory.Delete(hierarchy + _cgroup);
        }
    }

    private void EndProcess()
    {
        Command.Run("kill", "-TERM", $"{_process.Id}");
        _process.WaitForExit();
        _process.Dispose();
    }

    private static DateTime Soon() => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60);

    // As kubelet's machine has it after the Redirector DaemonSet's init container.
    private void Chain(RedirectorRun run)
    {
        string bin = Directory.CreateDirectory(Path.Combine(_folder, "bin")).FullName, networks = Directory.CreateDirectory(Path.Combine(_folder, "net.d")).FullName;
        foreach (string plugin in NeededPlugins) File.CreateSymbolicLink(Path.Combine(bin, plugin), Path.Combine(Plugins, plugin));
        File.WriteAllText(Path.Combine(networks, "10-real.conflist"), $$$"""
            {"cniVersion":"1.0.0","name":"real","plugins":[{"type":"bridge","bridge":"{{{Bridge}}}","isGateway":true,
             "ipam":{"type":"host-local","dataDir":"{{{_folder}}}/ipam","ranges":[[{"subnet":"10.97.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
            """);
        Command.Run(Programs.CniPlugin, "install", "--bin-dir", bin, "--conf-dir", networks, "--socket", run.CniSocket, "--enrolled-file", Path.Combine(run.State, "enrolled-namespaces"));
    }

    // Of containerd 1.6, which newer ones read too. The machine may allow no process to be made less likely to be killed for memory.
    private string Configuration(string address) => $"""
        version = 2
        root = "{_folder}/root"
        state = "{_folder}/state"
        [grpc]
        address = "{address}"
        [plugins."io.containerd.grpc.v1.cri"]
        sandbox_image = "{PauseImage.Name}"
        restrict_oom_score_adj = true
        [plugins."io.containerd.grpc.v1.cri".cni]
        bin_dir = "{_folder}/bin"
        conf_dir = "{_folder}/net.d"
        [plugins."io.containerd.grpc.v1.cri".containerd]
        snapshotter = "native"
        """;
}
