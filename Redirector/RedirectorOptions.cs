using System.Collections.Frozen;
using System.Globalization;
using System.Net;

namespace Ambient.Redirector;

/// <summary>How this process was started. Every option is also an environment variable: <c>--order-key</c> is AMBIENT_ORDER_KEY.</summary>
internal sealed class RedirectorOptions
{
    /// <summary>What <c>--help</c> prints.</summary>
    public const string Help = """
        ambient-redirector --node NAME --order-key FILE --state DIR (--socket PATH --socket-uid N | --channel-fd N) [options]

          --node NAME               the node this process serves; orders for others are refused
          --order-key FILE          public key (PEM) of the controller's orders
          --state DIR               kept: the last order, what is captured, the lock (made with mode 0700)
          --socket PATH             where NodeProxy connects (SOCK_SEQPACKET, mode 0600)
          --socket-uid N            the user that NodeProxy runs as; nobody else may connect
          --channel-fd N            instead: one end of an inherited SOCK_SEQPACKET pair
          --netns-root DIR          standalone: pods may name their network namespace by a path below this directory
          --net-sysctls DIR         where the kernel's net settings can be written (default /proc/sys/net, which a container may only read)
          --proc DIR                where the host's /proc is mounted (default /proc, which hostPID gives)
          --host-net DIR            where the machine's own addresses can be read (default PROC/1/net)
          --excluded-namespaces A,B Kubernetes namespaces that are never captured, besides kube-system and ambient-system
          --cni-socket PATH         where the CNI plugin asks (SOCK_SEQPACKET, mode 0600, this user alone)
          --cni-plugin PATH         ambient-cni, which is kept installed in the next two
          --cni-bin-dir DIR         where the runtime looks for plugins (default /opt/cni/bin)
          --cni-conf-dir DIR        where it looks for networks (default /etc/cni/net.d)
          --strict-boot SECONDS     a node that has never had an order holds new pods for at most so long (default 0: not at all)
          --canary-service ADDR:PORT a service address that the node's canary connects to
                                    (default: KUBERNETES_SERVICE_HOST and _PORT; without these, or where they are no address, there is no canary)
          --help                    this text

        ambient-redirector rules    prints the rules of a pod with some exclusions, as nft reads them

        Every option can be given as an environment variable too: --order-key as AMBIENT_ORDER_KEY.
        """;

    private const int MaxStrictBootSeconds = 600;

    private static readonly FrozenSet<string> _names =
        FrozenSet.Create(StringComparer.Ordinal, "node", "order-key", "state", "socket", "socket-uid", "channel-fd", "netns-root", "excluded-namespaces",
            "proc", "host-net", "net-sysctls", "cni-socket", "cni-plugin", "cni-bin-dir", "cni-conf-dir", "strict-boot", "canary-service");

    public required string Node { get; init; }
    public required string OrderKeyFile { get; init; }
    public required string StateDirectory { get; init; }

    /// <summary>Null when <see cref="ChannelDescriptor"/> is given.</summary>
    public string? SocketPath { get; init; }
    public uint SocketUserId { get; init; }
    public int? ChannelDescriptor { get; init; }
    public string? NamespaceRoot { get; init; }

    /// <summary>/proc/sys/net, or a mount of it that can be written.</summary>
    public required string NetSysctls { get; init; }
    public required IReadOnlySet<string> ExcludedNamespaces { get; init; }

    /// <summary>Where the host's /proc is mounted.</summary>
    public required string Proc { get; init; }

    /// <summary>The <c>/proc/PID/net</c> of a process in the machine's own network namespace.</summary>
    public required string HostNet { get; init; }

    /// <summary>Null: no CNI plugin asks.</summary>
    public string? CniSocketPath { get; init; }

    /// <summary>Null: nothing is installed from here.</summary>
    public string? CniPlugin { get; init; }
    public required string CniBinaries { get; init; }
    public required string CniNetworks { get; init; }

    /// <summary>How long a node without any order holds new pods, in seconds.</summary>
    public int StrictBootSeconds { get; init; }

    /// <summary>Null: no canary.</summary>
    public IPEndPoint? CanaryService { get; init; }

    /// <summary>Reads options and environment.</summary>
    /// <param name="environment">Gives a variable's value, null for none.</param>
    /// <param name="faults">All of them; empty on success.</param>
    public static RedirectorOptions? Parse(IReadOnlyList<string> arguments, Func<string, string?> environment, out IReadOnlyList<string> faults)
    {
        var found = new List<string>();
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < arguments.Count; i++)
        {
            string[] parts = arguments[i].Split('=', 2);
            string name = parts[0].StartsWith("--", StringComparison.Ordinal) ? parts[0][2..] : "";
            if (!_names.Contains(name))
                found.Add($"unknown option {arguments[i]}");
            else if (parts.Length == 2)
                values[name] = parts[1];
            else if (i + 1 < arguments.Count)
                values[name] = arguments[++i];
            else
                found.Add($"--{name} needs a value");
        }
        foreach (string name in _names)
            if (!values.ContainsKey(name) && environment("AMBIENT_" + name.Replace('-', '_').ToUpperInvariant()) is { Length: > 0 } value)
                values[name] = value;
        var options = Build(values, environment, found);
        faults = found;
        return found.Count == 0 ? options : null;
    }

    private static RedirectorOptions Build(Dictionary<string, string> values, Func<string, string?> environment, List<string> faults)
    {
        string Required(string name, string what)
        {
            if (values.TryGetValue(name, out string? value) && value.Length > 0)
                return value;
            faults.Add($"--{name} is missing: {what}");
            return "";
        }

        int? Number(string name)
        {
            if (!values.TryGetValue(name, out string? value))
                return null;
            if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                return number;
            faults.Add($"--{name} is no number: {value}");
            return null;
        }

        string node = Required("node", "the node this process serves");
        string key = Required("order-key", "public key of the controller's orders (STATE/order-key.pem of the controller)");
        string state = Required("state", "a directory for the last order");
        int? userId = Number("socket-uid"), channel = Number("channel-fd"), strictBoot = Number("strict-boot");
        string? socket = values.GetValueOrDefault("socket"), root = values.GetValueOrDefault("netns-root");
        if (key.Length > 0 && !File.Exists(key))
            faults.Add($"--order-key: there is no file {key}");
        if ((socket is null) == !values.ContainsKey("channel-fd"))
            faults.Add("one of --socket PATH (with --socket-uid N) and --channel-fd N is needed, not both");
        if (socket is not null && !values.ContainsKey("socket-uid"))
            faults.Add("--socket-uid is missing: the user that NodeProxy runs as");
        if (root is not null && !Path.IsPathFullyQualified(root))
            faults.Add($"--netns-root is no absolute path: {root}");
        string sysctls = values.GetValueOrDefault("net-sysctls", "/proc/sys/net");
        // Without this a wrong folder would look like a kernel that has none of the settings.
        if (!Directory.Exists(Path.Combine(sysctls, "ipv4")))
            faults.Add($"--net-sysctls: {sysctls} is no mount of /proc/sys/net");
        if (values.ContainsKey("cni-plugin") && !values.ContainsKey("cni-socket"))
            faults.Add("--cni-plugin needs --cni-socket: the plugin would find nobody to ask");
        if (strictBoot > MaxStrictBootSeconds)
            faults.Add($"--strict-boot is at most {MaxStrictBootSeconds}");
        IPEndPoint? canary = null;
        if (values.GetValueOrDefault("canary-service") is not { } canaryText)
            canary = ServiceOfCluster(environment);
        else if (canaryText != "none" && (!IPEndPoint.TryParse(canaryText, out canary) || canary.Port == 0))
            faults.Add($"--canary-service takes ADDRESS:PORT or none, not {canaryText}");
        string proc = values.GetValueOrDefault("proc", "/proc").TrimEnd('/');
        return new RedirectorOptions
        {
            Node = node, OrderKeyFile = key, StateDirectory = state, SocketPath = socket, SocketUserId = (uint)(userId ?? 0),
            ChannelDescriptor = channel, NamespaceRoot = root, NetSysctls = sysctls.TrimEnd('/'), Proc = proc, HostNet = values.GetValueOrDefault("host-net", $"{proc}/1/net"),
            CniSocketPath = values.GetValueOrDefault("cni-socket"), CniPlugin = values.GetValueOrDefault("cni-plugin"),
            CniBinaries = values.GetValueOrDefault("cni-bin-dir", "/opt/cni/bin"), CniNetworks = values.GetValueOrDefault("cni-conf-dir", "/etc/cni/net.d"),
            StrictBootSeconds = strictBoot ?? 0, CanaryService = canary,
            ExcludedNamespaces = Protocol.Model.ExcludedNamespaces.Parse(values.GetValueOrDefault("excluded-namespaces", "")),
        };
    }

    // What kubelet puts into every container. Kubernetes documentation, "Service", environment variables. A provider may put a name there,
    // which nobody asks DNS for from here; that is no reason to leave a node without its Redirector.
    private static IPEndPoint? ServiceOfCluster(Func<string, string?> environment) =>
        IPAddress.TryParse(environment("KUBERNETES_SERVICE_HOST"), out var address)
            && ushort.TryParse(environment("KUBERNETES_SERVICE_PORT"), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            ? new IPEndPoint(address, port)
            : null;
}
