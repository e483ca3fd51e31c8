using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>The namespace ambient-system, which a dry run of what is in it needs. Other tests may have made it: it stays.</summary>
internal static class SystemNamespace
{
    public static async Task EnsureAsync(ApiServer server)
    {
        using var answer = await server.Http.PostAsJsonAsync("/api/v1/namespaces", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Namespace",
            ["metadata"] = new JsonObject { ["name"] = "ambient-system" },
        });
        Assert.True(answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.Conflict, await answer.Content.ReadAsStringAsync());
    }
}
