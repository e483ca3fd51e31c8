using System.Globalization;
using System.Text.Json.Nodes;

namespace Ambient.Cli.Check.Cluster;

/// <summary>Versions of what is not ours.</summary>
internal static class VersionChecks
{
    // appArmorProfile, and CEL in CRDs.
    private const int LeastMinor = 30;

    // Sets whose elements count packets, as for a machine (HostChecks).
    private static readonly Version LeastKernel = new(5, 7);

    public static CheckResult Server(string version)
    {
        const string Name = "API server";
        return MinorOf(version) is not { } minor ? CheckResult.CannotTell(Name, $"its version is '{version}'", "kubectl version")
            : minor >= LeastMinor ? CheckResult.Ok(Name, version)
            : CheckResult.Fail(Name, $"{version}: CEL rules of our kinds and appArmorProfile of Redirector are unknown there", $"Kubernetes 1.{LeastMinor} or newer.");
    }

    public static IEnumerable<CheckResult> Nodes(IReadOnlyList<JsonObject> nodes, string server)
    {
        var linux = nodes.Where(n => Info(n, "operatingSystem") is "linux" or "").ToList();
        var kernels = linux.Where(n => !(KernelOf(n) is { } kernel && kernel >= LeastKernel)).ToList();
        yield return kernels.Count == 0
            ? CheckResult.Ok("kernels", $"{linux.Count} nodes, Linux {string.Join(", ", linux.Select(n => Info(n, "kernelVersion")).Distinct().Take(4))}")
            : CheckResult.Fail("kernels", $"too old, or not told: {Named(kernels, "kernelVersion")}", $"Linux {LeastKernel} or newer; until then keep nodes without it out by redirector.nodeSelector and node.nodeSelector.");
        var serverMinor = MinorOf(server);
        var kubelets = linux.Where(n => MinorOf(Info(n, "kubeletVersion")) is { } minor && (minor < LeastMinor - 3 || minor > serverMinor)).ToList();
        yield return kubelets.Count == 0
            ? CheckResult.Ok("kubelets", string.Join(", ", linux.Select(n => Info(n, "kubeletVersion")).Distinct().Take(4)))
            : CheckResult.Warn("kubelets", $"{Named(kubelets, "kubeletVersion")} beside an API server {server}", "Kubernetes supports kubelets up to three minor versions older than the API server, and none that is newer.");
    }

    internal static int? MinorOf(string version) =>
        version.TrimStart('v').Split('.') is ["1", var minor, ..] && int.TryParse(minor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static Version? KernelOf(JsonObject node) =>
        Version.TryParse(string.Join('.', Info(node, "kernelVersion").Split('-', '+')[0].Split('.').Take(2)), out var version) ? version : null;

    private static string Info(JsonObject node, string what) => (string?)node["status"]?["nodeInfo"]?[what] ?? "";

    private static string Named(IReadOnlyList<JsonObject> nodes, string what) => string.Join(", ", nodes.Take(5).Select(n => $"{n["metadata"]!["name"]} ({Info(n, what)})")) + (nodes.Count > 5 ? $" and {nodes.Count - 5} more" : "");
}
