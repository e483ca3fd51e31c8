using System.Globalization;
using System.Net;
using Ambient.Controller.Replicas;
using Ambient.Protocol.Identity;

namespace Ambient.Controller;

/// <summary>What the serving process needs to know, checked.</summary>
internal sealed record ControllerOptions
{
    /// <summary>What stands for the Kubernetes API in place of a folder.</summary>
    internal const string KubernetesSource = "kubernetes";

    /// <summary>Folder of YAML that describes the mesh, or <see cref="KubernetesSource"/>.</summary>
    public required string Source { get; init; }

    /// <summary>Folder of keys and records; made if it is missing. Not used where <see cref="Cluster"/> is set.</summary>
    public string State { get; init; } = "";

    /// <summary>The cluster that keys, records and the nodes' proofs are in; null for a standalone mesh.</summary>
    public ClusterOptions? Cluster { get; init; }

    /// <summary>Where nodes connect.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Used where no MeshConfig names one.</summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Validity of workload certificates. Nodes renew at half of it.</summary>
    public TimeSpan LeafLifetime { get; init; } = TimeSpan.FromHours(48);

    /// <summary>Where the admin pages are; null for nowhere.</summary>
    public IPEndPoint? Admin { get; init; }

    /// <summary>Namespaces that are never enrolled.</summary>
    public IReadOnlySet<string> ExcludedNamespaces { get; init; } = Protocol.Model.ExcludedNamespaces.Always;

    /// <summary>PEM files of an authority that is used instead of the one in <see cref="State"/>; both or neither.</summary>
    public string? CaCertificate { get; init; }

    /// <inheritdoc cref="CaCertificate"/>
    public string? CaKey { get; init; }

    /// <summary>Validity of capture orders; they are signed anew at half of it.</summary>
    public TimeSpan OrderValidity { get; init; } = Authority.OrderDesk.DefaultValidity;

    /// <summary>Checks the texts of a command line.</summary>
    /// <param name="get">The text of an option, null if it was not given.</param>
    /// <param name="faults">Everything that is wrong, at once.</param>
    internal static ControllerOptions? Read(Func<string, string?> get, out List<string> faults)
    {
        var found = new List<string>();
        faults = found;
        var source = Required("source", "a folder of YAML files, or kubernetes");
        var isCluster = source == KubernetesSource;
        if (source is not null && !isCluster && !Directory.Exists(source))
            found.Add($"--source: expected kubernetes, or a folder that is there, found {source}");
        var state = isCluster ? "" : Required("state", "a folder for keys and records");
        var cluster = isCluster ? ClusterOf(get, found) : null;
        var listen = EndPoint("listen", Required("listen", "an address and a port, like [::]:15010"));
        var trustDomain = get("trust-domain") ?? "cluster.local";
        if (!SpiffeId.IsTrustDomain(trustDomain, out var reason))
            found.Add($"--trust-domain: {reason}");
        var lifetime = Duration("leaf-lifetime", get("leaf-lifetime") ?? "48h", TimeSpan.FromSeconds(2), TimeSpan.FromDays(90));
        var admin = get("admin") is "none" ? null : EndPoint("admin", get("admin") ?? "127.0.0.1:15011");
        var (certificate, key) = (get("ca-cert"), get("ca-key"));
        if (certificate is null != key is null)
            found.Add("--ca-cert, --ca-key: expected both or neither");
        foreach (var (name, file) in new[] { ("ca-cert", certificate), ("ca-key", key) })
        {
            if (file is not null && isCluster)
                found.Add($"--{name}: with --source kubernetes an authority is given as Secret ambient-ca");
            else if (file is not null && !File.Exists(file))
                found.Add($"--{name}: expected a file that is there, found {file}");
        }
        return found.Count > 0 ? null : new ControllerOptions
        {
            Source = source!,
            State = state!,
            Cluster = cluster,
            Listen = listen!,
            TrustDomain = trustDomain,
            LeafLifetime = lifetime,
            ExcludedNamespaces = Protocol.Model.ExcludedNamespaces.Parse(get("excluded-namespaces") ?? ""),
            Admin = admin,
            CaCertificate = certificate,
            CaKey = key,
        };

        string? Required(string name, string what)
        {
            var text = get(name);
            if (string.IsNullOrEmpty(text))
                found.Add($"--{name}: expected {what}");
            return string.IsNullOrEmpty(text) ? null : text;
        }

        IPEndPoint? EndPoint(string name, string? text)
        {
            // A port of 0 is welcome: the system chooses one. IPEndPoint.Parse takes a text without a port for one with port 0.
            if (text is null || (IPEndPoint.TryParse(text, out var endPoint) && HasPort(text, endPoint)))
                return text is null ? null : IPEndPoint.Parse(text);
            found.Add($"--{name}: expected an address and a port, like 127.0.0.1:15010, found {text}");
            return null;
        }

        TimeSpan Duration(string name, string text, TimeSpan least, TimeSpan most)
        {
            if (TryReadDuration(text, out var duration) && duration >= least && duration <= most)
                return duration;
            found.Add($"--{name}: expected a time from {least.TotalSeconds} s to {most.TotalDays} days, like 90s, 30m or 48h, found {text}");
            return default;
        }
    }

    /// <summary>Reads where a cluster's API is, and what of it is ours.</summary>
    internal static ClusterOptions ClusterOf(Func<string, string?> get, List<string> faults)
    {
        var kubeconfig = get("kubeconfig");
        if (kubeconfig is not null && !File.Exists(kubeconfig))
            faults.Add($"--kubeconfig: expected a file that is there, found {kubeconfig}");
        var name = get("namespace") ?? ClusterOptions.DefaultNamespace;
        // RFC 1123, as the API server has it; the name becomes part of paths.
        if (name.Length is 0 or > 63 || !name.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-') || name[0] == '-' || name[^1] == '-')
            faults.Add($"--namespace: expected the name of a namespace, found {name}");
        return new ClusterOptions(kubeconfig, name);
    }

    /// <summary>Reads a duration like <c>90s</c>, <c>30m</c>, <c>48h</c> or <c>30d</c>.</summary>
    internal static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return false;
        double? seconds = text[^1] switch
        {
            's' => count,
            'm' => count * 60.0,
            'h' => count * 3600.0,
            'd' => count * 86_400.0,
            _ => null,
        };
        // A hundred years: whoever wants more means something else.
        if (seconds is null or > 3_153_600_000)
            return false;
        duration = TimeSpan.FromSeconds(seconds.Value);
        return true;
    }

    private static bool HasPort(string text, IPEndPoint endPoint) =>
        text.EndsWith($":{endPoint.Port.ToString(CultureInfo.InvariantCulture)}", StringComparison.Ordinal)
        && (endPoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork || text.StartsWith('['));
}
