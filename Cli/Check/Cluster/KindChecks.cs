using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;

namespace Ambient.Cli.Check.Cluster;

/// <summary>The definitions of our kinds, and of those of others that we know: which versions the cluster serves.</summary>
internal static class KindChecks
{
    // Routes of the Gateway API are not read yet: who has them would look for their effect.
    private static readonly string[] Unread = ["httproutes.gateway.networking.k8s.io", "grpcroutes.gateway.networking.k8s.io", "tcproutes.gateway.networking.k8s.io", "tlsroutes.gateway.networking.k8s.io"];

    public static IEnumerable<CheckResult> Judge(IReadOnlyList<JsonObject> definitions)
    {
        var found = definitions.ToDictionary(d => (string)d["metadata"]!["name"]!);
        var ours = YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>().Where(o => (string?)o["kind"] == "CustomResourceDefinition").ToList();
        var missing = ours.Where(o => !found.ContainsKey((string)o["metadata"]!["name"]!)).Select(o => (string)o["metadata"]!["name"]!).ToList();
        if (missing.Count == ours.Count) yield return CheckResult.Ok("kinds", "none of Ambient's yet");
        else if (missing.Count > 0) yield return CheckResult.Fail("kinds", $"not there: {string.Join(", ", missing)}", "ambientctl install, or kubectl apply --server-side -f daemonset.yaml");
        foreach (var own in ours.Where(o => found.ContainsKey((string)o["metadata"]!["name"]!))) yield return JudgeOwn(own, found[(string)own["metadata"]!["name"]!]);
        foreach (var name in Unread.Where(found.ContainsKey)) yield return CheckResult.Warn(name, "installed, and not read: routes have no effect in this version", "None is needed for TCP.");
    }

    private static CheckResult JudgeOwn(JsonObject own, JsonObject found)
    {
        var name = (string)own["metadata"]!["name"]!;
        if (!(found["status"]?["conditions"]?.AsArray() ?? []).Any(c => (string?)c!["type"] == "Established" && (string?)c["status"] == "True"))
            return CheckResult.Fail(name, "it is not served", $"kubectl describe crd {name}");
        var version = own["spec"]!["versions"]![0]!;
        var served = found["spec"]!["versions"]!.AsArray().FirstOrDefault(v => (string?)v!["name"] == (string?)version["name"] && (bool)v["served"]!);
        if (served is null) return CheckResult.Fail(name, $"served: {string.Join(", ", Served(found))}; this version needs {version["name"]}", "ambientctl install");
        return Contains(served["schema"], version["schema"])
            ? CheckResult.Ok(name, $"{version["name"]}, with the rules of this version")
            : CheckResult.Warn(name, $"{version["name"]}, with other rules than this version's", "ambientctl install, if the controller is to be of this version.");
    }

    private static string[] Served(JsonObject definition) => [.. definition["spec"]!["versions"]!.AsArray().Where(v => (bool)v!["served"]!).Select(v => (string)v!["name"]!)];

    // The server adds defaults; what the manifest says must be there.
    private static bool Contains(JsonNode? found, JsonNode? wanted) => (found, wanted) switch
    {
        (JsonObject f, JsonObject w) => w.All(entry => f.ContainsKey(entry.Key) && Contains(f[entry.Key], entry.Value)),
        (JsonArray f, JsonArray w) => f.Count == w.Count && f.Zip(w).All(pair => Contains(pair.First, pair.Second)),
        _ => JsonNode.DeepEquals(found, wanted),
    };
}
