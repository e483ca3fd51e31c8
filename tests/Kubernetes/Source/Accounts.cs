using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>Who a test's controller is to the API.</summary>
internal static class Accounts
{
    /// <summary>Makes a service account that may read.</summary>
    /// <param name="resources">Plurals, as a list of YAML; <c>"*"</c> for all.</param>
    internal static async Task AllowAsync(this ApiServer server, string ns, string account, string resources) => await server.ApplyAsync($$"""
        { apiVersion: v1, kind: ServiceAccount, metadata: { name: {{account}}, namespace: {{ns}} } }
        ---
        { apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: {{ns}}-{{account}} }, rules: [ { apiGroups: ["*"], resources: [ {{resources}} ], verbs: [ get, list, watch ] } ] }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: { name: {{ns}}-{{account}} }
        subjects: [ { kind: ServiceAccount, name: {{account}}, namespace: {{ns}} } ]
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ns}}-{{account}} }
        """);

    /// <returns>The text of a kubeconfig that the tests made, with another user.</returns>
    /// <param name="user">Its fields, as of a mapping of YAML.</param>
    internal static string WithUser(string kubeconfig, string user)
    {
        var text = File.ReadAllText(kubeconfig);
        return text[..text.IndexOf("users:", StringComparison.Ordinal)] + $"users:\n- name: test\n  user: {{ {user} }}\n";
    }
}
