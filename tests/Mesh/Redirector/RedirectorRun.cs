using System.Diagnostics;
using System.Security.Cryptography;
using Ambient.Cli.Lab;
using Ambient.Native.Processes;
using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>A node's folder with the controller's key in it, and Redirector as a process, started as often as the test likes.</summary>
internal sealed class RedirectorRun : IDisposable
{
    public const string Node = "node-a";

    private readonly string _folder = Directory.CreateTempSubdirectory("redirector").FullName;
    private ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly List<Process> _started = [];
    private ulong _version;

    public RedirectorRun()
    {
        Machine.Offers("nft", "ip");
        PublishKey();
    }

    public string Socket => Path.Combine(_folder, "socket");

    public string State => Path.Combine(_folder, "state");

    /// <summary>Where the CNI plugin asks.</summary>
    public string CniSocket => Path.Combine(_folder, "cni", "cni.sock");

    /// <summary>A folder of the test's own, which goes with the run.</summary>
    public string Folder => _folder;

    public string BootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Everything all processes wrote.</summary>
    public List<string> Log { get; } = [];

    public string KeyFile => Path.Combine(_folder, "order-key.pem");

    public Process Start(params string[] more) =>
        Launch(Programs.Redirector, [.. Common, "--socket", Socket, "--socket-uid", $"{Credentials.UserId}", "--cni-socket", CniSocket, .. more]);

    /// <summary>
    /// Starts it as a container runtime does: a root and a /proc/sys that cannot be written, /proc/sys/net at another place, no new
    /// privileges, and of root's capabilities only these.
    /// </summary>
    /// <param name="capabilities">As in a pod's spec: <c>SYS_ADMIN</c>.</param>
    /// <param name="nodeUser">Who may connect.</param>
    public Process StartConfined(IEnumerable<string> capabilities, uint nodeUser)
    {
        string sysctls = Path.Combine(_folder, "sysctls");
        Directory.CreateDirectory(sysctls);
        string bounds = string.Join(",", capabilities.Select(name => $"+{name.ToLowerInvariant()}").Prepend("-all"));
        return Launch("unshare",
        [
            "--mount", "--", "sh", "-c",
            // /run, where the node's folder is, is a mount of its own, as hostPaths are.
            $"""
            set -e
            mount --bind /proc/sys/net {sysctls}
            mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys
            mount --bind / / && mount -o remount,ro,bind /
            exec setpriv --bounding-set={bounds} --inh-caps=-all --no-new-privs -- "$@"
            """,
            "sh", Programs.Redirector, .. Common, "--net-sysctls", sysctls, "--socket", Socket, "--socket-uid", $"{nodeUser}",
        ]);
    }

    /// <summary>Starts it with an nft that waits when it is told to.</summary>
    public Process StartWith(HeldNft nft) => Launch("unshare",
    [
        "--mount", "--", "sh", "-c", $"""mount --bind {nft.Program} {HeldNft.Place} && exec "$@" """,
        "sh", Programs.Redirector, .. Common, "--socket", Socket, "--socket-uid", $"{Credentials.UserId}",
    ]);

    /// <summary>Starts it with a copy of one end of a pair.</summary>
    public Process StartOnChannel(SeqPacketSocket end)
    {
        using var inherited = InheritedDescriptor.Of(end.Number);
        return Launch(Programs.Redirector, [.. Common, "--channel-fd", $"{inherited.Number}"]);
    }

    private string[] Common => ["--node", Node, "--order-key", KeyFile, "--state", State, "--netns-root", "/run/netns"];

    private Process Launch(string program, string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (Log)
                if (line.Data is not null)
                    Log.Add($"[{process.Id}] {line.Data}");
        };
        process.BeginErrorReadLine();
        _started.Add(process);
        return process;
    }

    /// <summary>Connects as soon as the socket is there.</summary>
    public TestNode Connect()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new TestNode(Socket);
            }
            catch (IOException) when (clock.Elapsed < TimeSpan.FromSeconds(10))
            {
                using var never = new ManualResetEventSlim();
                never.Wait(5);
            }
        }
    }

    /// <summary>Connects as a NodeProxy that serves the pod, and has it captured.</summary>
    public TestNode Capture(Pod pod)
    {
        var node = Connect();
        node.Greet();
        node.Capture(pod, Order(pod.Ordered));
        return node;
    }

    public void AwaitLog(string text)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            lock (Log)
                if (Log.Exists(line => line.Contains(text, StringComparison.Ordinal)))
                    return;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"no log line with '{text}' in:\n{string.Join('\n', Log)}");
            using var never = new ManualResetEventSlim();
            never.Wait(5);
        }
    }

    /// <summary>The controller signs with another key from now on.</summary>
    public void ReplaceKey()
    {
        _key.Dispose();
        _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    }

    /// <summary>The node gets the controller's present key, by another file in the old one's place.</summary>
    public void PublishKey()
    {
        File.WriteAllText(KeyFile + ".new", _key.ExportSubjectPublicKeyInfoPem());
        File.Move(KeyFile + ".new", KeyFile, overwrite: true);
    }

    public SignedOrder Sign(CaptureOrder order) => new OrderSigner(_key).Sign(order);

    /// <summary>The next order, with these pods.</summary>
    public SignedOrder Order(params CapturedPod[] pods) => Sign(Unsigned(pods));

    /// <summary>The same before it is signed.</summary>
    public CaptureOrder Unsigned(params CapturedPod[] pods)
    {
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return new CaptureOrder
        {
            Node = Node, BootId = BootId, Version = ++_version, IssuedUnixSeconds = now, ExpiresUnixSeconds = now + 3600, DrainSeconds = 30, Pods = { pods },
        };
    }

    /// <summary>A Redirector that has had an order which enrols "shop", and was killed.</summary>
    public void LeaveAnOrderBehind()
    {
        var process = Start();
        using (var node = Connect())
        {
            node.Greet();
            Assert.True(node.Pass(Sign(Enrolling("shop"))).Accepted);
        }
        Kill(process);
    }

    /// <summary>The next order, unsigned, which enrols namespaces and names these pods.</summary>
    public CaptureOrder Enrolling(IEnumerable<string> namespaces, params CapturedPod[] pods)
    {
        var order = Unsigned(pods);
        order.EnrolledNamespaces.Add(namespaces);
        return order;
    }

    /// <summary>The same for one namespace.</summary>
    public CaptureOrder Enrolling(string @namespace, params CapturedPod[] pods) => Enrolling([@namespace], pods);

    public void Kill(Process process)
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>SIGTERM.</summary>
    public int Terminate(Process process)
    {
        Command.Run("kill", "-TERM", $"{process.Id}");
        process.WaitForExit();
        return process.ExitCode;
    }

    public void Dispose()
    {
        foreach (var process in _started)
        {
            if (!process.HasExited)
                Kill(process);
            process.Dispose();
        }
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
        lock (Log)
            foreach (string line in Log)
                TestContext.Current.TestOutputHelper?.WriteLine(line);
    }
}
