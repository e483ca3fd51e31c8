using System.Globalization;
using System.Text.Json.Nodes;

namespace Ambient.Cni.Install;

/// <summary>What is installed where, and with which settings.</summary>
internal sealed record InstallOptions
{
    public const string Help = """
        ambient-cni install|uninstall [options]      started without arguments it is a CNI plugin (CNI specification 0.3.1 to 1.1.0)

          --bin-dir DIR              where the runtime looks for plugins (default /opt/cni/bin)
          --conf-dir DIR             where it looks for networks (default /etc/cni/net.d)
          --socket PATH              ambient-redirector's --cni-socket, as the host sees it (default /run/ambient/cni/cni.sock)
          --enrolled-file PATH       enrolled-namespaces in ambient-redirector's state directory, as the host sees it
                                     (default /var/lib/ambient/enrolled-namespaces)
          --excluded-namespaces A,B  Kubernetes namespaces that are never asked about, besides ambient-system and kube-system
          --strict-boot SECONDS      a node that has never had an order holds new pods for at most so long (default 0)

        install copies this program and chains it last into the network that the runtime uses: the first file by name. It may be run again
        and again, and prints a line for everything that it changed. uninstall takes both away.
        """;

    public string BinaryFolder { get; init; } = "/opt/cni/bin";

    public string NetworkFolder { get; init; } = "/etc/cni/net.d";

    public string Socket { get; init; } = "/run/ambient/cni/cni.sock";

    public string EnrolledFile { get; init; } = "/var/lib/ambient/enrolled-namespaces";

    public IReadOnlySet<string> ExcludedNamespaces { get; init; } = Protocol.Model.ExcludedNamespaces.Always;

    public int StrictBootSeconds { get; init; }

    /// <summary>
    /// This plugin's entry in a network's list: the same bytes for the same settings, since the init container and Redirector both install,
    /// and where they differed each would undo the other's.
    /// </summary>
    public JsonObject Entry() => new()
    {
        ["type"] = NetworkList.PluginType,
        ["socket"] = Socket,
        ["enrolledFile"] = EnrolledFile,
        ["excludedNamespaces"] = new JsonArray([.. ExcludedNamespaces.Order(StringComparer.Ordinal).Select(n => (JsonNode)n)]),
        ["strictBootSeconds"] = StrictBootSeconds,
        ["capabilities"] = new JsonObject { ["io.kubernetes.cri.pod-annotations"] = true },
    };

    /// <param name="faults">All of them; empty on success.</param>
    public static InstallOptions Parse(ReadOnlySpan<string> arguments, out List<string> faults)
    {
        faults = [];
        var options = new InstallOptions();
        for (int i = 0; i < arguments.Length; i++)
        {
            string[] parts = arguments[i].Split('=', 2);
            string? value = parts.Length == 2 ? parts[1] : i + 1 < arguments.Length ? arguments[++i] : null;
            if (string.IsNullOrEmpty(value))
            {
                faults.Add($"{parts[0]} needs a value");
                continue;
            }
            switch (parts[0])
            {
                case "--bin-dir": options = options with { BinaryFolder = value }; break;
                case "--conf-dir": options = options with { NetworkFolder = value }; break;
                case "--socket": options = options with { Socket = value }; break;
                case "--enrolled-file": options = options with { EnrolledFile = value }; break;
                case "--excluded-namespaces":
                    options = options with { ExcludedNamespaces = Protocol.Model.ExcludedNamespaces.Parse(value) };
                    break;
                case "--strict-boot" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds <= 600:
                    options = options with { StrictBootSeconds = seconds };
                    break;
                case "--strict-boot": faults.Add($"--strict-boot takes seconds from 0 to 600, not {value}"); break;
                default: faults.Add($"unknown option {parts[0]}"); break;
            }
        }
        return options;
    }
}
