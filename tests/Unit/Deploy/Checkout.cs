using System.Reflection;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>The manifests as they are checked in.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static IReadOnlyList<JsonObject> Objects(string path) => [.. YamlTree.Read(Read(path)).Cast<JsonObject>()];

    /// <summary>The objects of daemonset.yaml.</summary>
    public static IReadOnlyList<JsonObject> Daemonset { get; } = Objects("daemonset.yaml");

    public static JsonObject Find(string kind, string name) =>
        Daemonset.Single(o => (string?)o["kind"] == kind && (string?)o["metadata"]!["name"] == name);

    /// <summary>The pod templates of daemonset.yaml, by the name of what has them.</summary>
    public static IEnumerable<(string Name, JsonObject Spec)> Pods() => Daemonset.Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet")
        .Select(o => ((string)o["metadata"]!["name"]!, o["spec"]!["template"]!["spec"]!.AsObject()));

    /// <summary>All their containers, by <c>pod/container</c>.</summary>
    public static IEnumerable<(string Name, JsonObject Spec, JsonObject Container)> Containers() => Pods().SelectMany(pod =>
        ((string[])["initContainers", "containers"]).SelectMany(list => pod.Spec[list]?.AsArray() ?? [])
            .Select(container => ($"{pod.Name}/{container!["name"]}", pod.Spec, container.AsObject())));

    public static string[] Texts(JsonNode? list) => [.. (list?.AsArray() ?? []).Select(item => (string)item!)];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        while (!File.Exists(Path.Combine(folder.FullName, "ambient.sln"))) folder = folder.Parent ?? throw new InvalidOperationException("not in a checkout");
        return folder.FullName;
    }
}
