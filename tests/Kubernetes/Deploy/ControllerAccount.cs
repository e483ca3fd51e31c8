using System.Text.Json.Nodes;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>The account that the manifest gives a controller, with its roles, in a namespace of a test's own.</summary>
internal static class ControllerAccount
{
    /// <summary>Makes it: the same roles under names of the test's own, bound in its namespace alone.</summary>
    internal static async Task GrantAsync(ApiServer server, string ns)
    {
        var name = server.Name("rights");
        foreach (var kind in (string[])["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"])
        {
            var item = Manifest(kind);
            if (kind.StartsWith("Cluster", StringComparison.Ordinal)) item["metadata"]!["name"] = name;
            else item["metadata"]!["namespace"] = ns;
            if (kind == "ClusterRoleBinding") item["roleRef"]!["name"] = name;
            foreach (var subject in item["subjects"]?.AsArray() ?? []) subject!["namespace"] = ns;
            await server.ApplyAsync(item.ToJsonString());
        }
    }

    /// <summary>The controller's object of a kind, as the manifest has it.</summary>
    internal static JsonObject Manifest(string kind) =>
        ManifestTests.Objects("daemonset.yaml").Single(o => (string?)o["kind"] == kind && (string?)o["metadata"]!["name"] == "ambient-controller").DeepClone().AsObject();
}
