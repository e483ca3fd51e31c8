using System.Text;

namespace Ambient.Cli.Deploy;

/// <summary>The files that a checkout has for who applies manifests by other means, all made of the chart with its defaults.</summary>
internal static class ManifestFiles
{
    private const string Head = "# Made by ./ambient.sh manifests of deploy/helm/ambient: change that.\n";
    private const string Whole = """
        # Ambient for Kubernetes 1.30 and newer, whole:   kubectl apply --server-side -f daemonset.yaml
        # Then take a namespace in, without a restart:    kubectl label namespace shop ambient.mesh/enroll=true
        # Take it out with `ambientctl uninstall`, never with `kubectl delete -f`: that leaves pods with rules and without a proxy, which refuse
        # connections until they are restarted, and it deletes the root key and everybody's policies.
        # What needs which right and why, and how to get the image onto the nodes: docs/kubernetes.md

        """;

    /// <summary>Every file, by its path in the checkout.</summary>
    public static IReadOnlyDictionary<string, string> All()
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["daemonset.yaml"] = Chart.Whole(Chart.Defaults, Head + Whole),
        };
        var parts = Chart.Render(Chart.Defaults);
        foreach (var (name, text) in parts)
            files[IsDefinition(name) ? $"deploy/crds/{name[4..]}" : $"deploy/kustomize/base/{name}"] = Head + text;
        files["deploy/crds/kustomization.yaml"] = Kustomization(parts.Where(file => IsDefinition(file.Name)).Select(file => file.Name[4..]));
        files["deploy/kustomize/base/kustomization.yaml"] = Kustomization(parts.Where(file => !IsDefinition(file.Name)).Select(file => file.Name).Prepend("../../crds"));
        files["deploy/podmonitor.yaml"] = Head + Chart.Render(Chart.Defaults.With("podMonitor.enabled=true")).Single(file => file.Name == "podmonitor.yaml").Text;
        return files;
    }

    /// <summary>Writes those that differ.</summary>
    /// <returns>Their paths.</returns>
    public static IReadOnlyList<string> Write(string checkout)
    {
        var written = new List<string>();
        foreach (var (path, text) in All())
        {
            var file = Path.Combine(checkout, path);
            if (File.Exists(file) && File.ReadAllText(file) == text) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
            written.Add(path);
        }
        return written;
    }

    private static bool IsDefinition(string name) => name.StartsWith("crd-", StringComparison.Ordinal);

    private static string Kustomization(IEnumerable<string> resources)
    {
        var text = new StringBuilder(Head).Append("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
        foreach (var resource in resources) text.Append("  - ").Append(resource).Append('\n');
        return text.ToString();
    }
}
