namespace Ambient.Tests.Kubernetes.Source;

/// <summary>Objects as a cluster has them, for tests to apply.</summary>
internal static class Objects
{
    /// <summary>A pod that runs.</summary>
    internal static string Pod(string ns, string name, string address, string labels = "app: web", string node = "node-a") => $$"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: {{name}}
          namespace: {{ns}}
          labels: { {{labels}} }
          annotations: { ambient.mesh/exclude-inbound-ports: "9000", other.example/thing: "not for us" }
        spec:
          nodeName: {{node}}
          containers: [ { name: app, image: none, ports: [ { name: http, containerPort: 8080 } ], readinessProbe: { httpGet: { path: /ready, port: http } } } ]
        status:
          phase: Running
          podIP: {{address}}
          podIPs: [ { ip: {{address}} } ]
          conditions: [ { type: Ready, status: "True" } ]
        ---

        """;

    internal static string NetworkPolicy(string ns, string name, string labels) =>
        $"{{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{ name: {name}, namespace: {ns} }}, spec: {{ podSelector: {{ matchLabels: {{ {labels} }} }} }} }}\n---\n";

    /// <summary>A definition without a schema, as far as a server lets one have none.</summary>
    internal static string Definition(string group, string version, string plural, string kind, bool isNamespaced) => $$"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: {{plural}}.{{group}}{{(group.EndsWith(".k8s.io") ? ", annotations: { api-approved.kubernetes.io: unapproved }" : "")}} }
        spec:
          group: {{group}}
          scope: {{(isNamespaced ? "Namespaced" : "Cluster")}}
          names: { plural: {{plural}}, singular: {{kind.ToLowerInvariant()}}, kind: {{kind}}, listKind: {{kind}}List }
          versions:
            - name: {{version}}
              served: true
              storage: true
              subresources: { status: {} }
              schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
        ---

        """;
}
