using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Controller;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Replicas;
using Ambient.Tests.Kubernetes.Source;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>What the controller tells the cluster, and what it leaves alone.</summary>
[Collection(nameof(WholeCluster))]
public sealed class WriteBackTests(ApiServer server)
{
    [Fact]
    public async Task A_policy_says_whether_it_is_in_force_and_is_written_once()
    {
        var ns = await WithPoliciesAsync();
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);

        Assert.True(await Eventually.TrueAsync(async () => await ConditionAsync(ns, "good") == "True Accepted"), await ConditionAsync(ns, "good"));
        Assert.True(await Eventually.TrueAsync(async () => await ConditionAsync(ns, "odd") == "False Invalid"), await ConditionAsync(ns, "odd"));
        var version = await VersionAsync(ns, "good");

        // Another term begins: all is looked at, and nothing written.
        writing.EndTerm();
        writing.BeginTerm();
        await server.ApplyAsync(Policy(ns, "odd", "{ namespaces: [ shop ] }"));
        Assert.True(await Eventually.TrueAsync(async () => await ConditionAsync(ns, "odd") == "True Accepted"), await ConditionAsync(ns, "odd"));
        Assert.Equal(version, await VersionAsync(ns, "good"));
    }

    [Fact]
    public async Task Nothing_is_written_without_the_lease()
    {
        var ns = await WithPoliciesAsync();
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        writing.EndTerm();
        await Task.Delay(WriteBack.RoundInterval * 1.5);
        await server.ApplyAsync(Policy(ns, "late", "{ namespaces: [ shop ] }"));
        await source.UntilAsync(s => s.All<AccessPolicyObject>().Any(p => p.Namespace == ns && p.Name == "late"), "the late policy");
        await Task.Delay(WriteBack.RoundInterval * 2);
        Assert.Equal("", await ConditionAsync(ns, "late"));
    }

    [Fact]
    public async Task A_condition_that_another_manager_holds_is_left_to_it()
    {
        var ns = await WithPoliciesAsync();
        var path = $"/apis/ambient.mesh/v1alpha1/namespaces/{ns}/accesspolicies/good/status";
        using var body = new StringContent("""{ "apiVersion": "ambient.mesh/v1alpha1", "kind": "AccessPolicy", "metadata": { "name": "good" }, "status": { "conditions": [ { "type": "Accepted", "status": "Unknown", "reason": "Theirs", "message": "theirs", "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z" } ] } }""",
            System.Text.Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/apply-patch+yaml"));
        using var taken = await server.Http.PatchAsync($"{path}?fieldManager=another", body);
        Assert.True(taken.IsSuccessStatusCode, await taken.Content.ReadAsStringAsync());
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);

        Assert.True(await Eventually.TrueAsync(async () => await ConditionAsync(ns, "odd") == "False Invalid"), await ConditionAsync(ns, "odd"));
        Assert.Equal("Unknown Theirs", await ConditionAsync(ns, "good"));
    }

    [Fact]
    public async Task Settings_that_cannot_be_read_say_so_though_no_controller_starts_by_them_and_say_what_of_them_is_not_in_force()
    {
        // Of its own: settings are everybody's in the shared one.
        await using var own = await ApiServer.StartFakeAsync();
        await using var mesh = await MeshCluster.CreateAsync(own);
        await own.ApplyAsync(Manifest.Definition("meshconfigs"));
        await own.ApplyAsync(Settings("a", "podRanges: [ 10.0.0.0/99 ]"));
        var starting = mesh.StartAsync(with: options => options with { Source = ControllerOptions.KubernetesSource });
        await SettledAsync("a", "False Invalid", "a controller that starts waits until it can be read");
        Assert.False(starting.IsCompleted);

        await own.ApplyAsync(Settings("a", "podRanges: [ 10.0.0.0/8 ]"));
        await starting;
        await SettledAsync("a", "True Accepted", "in force");
        await own.ApplyAsync(Settings("b", "podRanges: [ 10.0.0.0/99 ]"));
        await SettledAsync("b", "False Invalid", "nothing of it is in force");
        await own.ApplyAsync(Settings("a", "podRanges: [ 10.0.0.0/99 ]"));
        await SettledAsync("a", "False Invalid", "what it said before stays in force");
        await own.ApplyAsync(Settings("a", "podRange: [ 10.0.0.0/8 ]"));
        await SettledAsync("a", "False Invalid", "unknown field spec.podRange");
        await own.ApplyAsync(Settings("b", "podRanges: [ 10.0.0.0/8 ]"));
        await SettledAsync("b", "False Ignored", "MeshConfig a");
        await own.ApplyAsync(Settings("a", "podRanges: [ 10.0.0.0/8 ], reach: [ { from: [ shop ], to: [ bank ] } ]"));
        await SettledAsync("a", "True PartlyInForce", "spec.reach is ignored");

        async Task SettledAsync(string name, string expected, string message)
        {
            var found = "";
            Assert.True(await Eventually.TrueAsync(async () => (found = await ConditionAsync(name)).StartsWith(expected, StringComparison.Ordinal) && found.Contains(message)),
                $"{name}: expected {expected} ... {message}, found {found}\n{string.Join('\n', mesh.Log.TakeLast(20))}");
        }

        async Task<string> ConditionAsync(string name) =>
            ((await own.Http.GetFromJsonAsync<JsonObject>($"/apis/ambient.mesh/v1alpha1/meshconfigs/{name}"))!["status"]?["conditions"] as JsonArray)?.FirstOrDefault() is { } condition
                ? $"{condition["status"]} {condition["reason"]} {condition["message"]}" : "";

        static string Settings(string name, string spec) => $"{{ apiVersion: ambient.mesh/v1alpha1, kind: MeshConfig, metadata: {{ name: {name} }}, spec: {{ {spec} }} }}";
    }

    [Fact]
    public async Task A_pod_that_cannot_be_captured_has_an_event_and_only_one()
    {
        var ns = await server.CreateNamespaceAsync("events");
        await server.ApplyAsync(Objects.Pod(ns, "web", "10.8.0.1"));
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        var pod = source.All<PodObject>().Single(p => p.Namespace == ns);
        await using var writing = Written.Start(server, source);
        writing.Troubles = [Trouble.OfPod(EventSubject.Of(pod), "node-a", wasEnrolled: false, "no nft in this kernel")];
        Assert.True(await Eventually.TrueAsync(async () => (await server.EventsAsync(ns)).Count == 1), "no event");
        writing.EndTerm();
        writing.BeginTerm();
        await Task.Delay(WriteBack.RoundInterval * 2);

        var told = Assert.Single(await server.EventsAsync(ns));
        Assert.Equal(("Warning", "EnrolmentFailed", "web", pod.Uid), ((string)told["type"]!, (string)told["reason"]!, (string)told["regarding"]!["name"]!, (string)told["regarding"]!["uid"]!));
        Assert.Contains("no nft in this kernel", (string)told["note"]!);
        writing.Troubles = [Trouble.OfPod(EventSubject.Of(pod), "node-a", wasEnrolled: true, "rules were taken away")];
        Assert.True(await Eventually.TrueAsync(async () => (await server.EventsAsync(ns)).Any(e => (string)e["reason"]! == "CaptureLost")), "no second event");
    }

    [Fact]
    public async Task A_namespace_has_one_event_for_all_its_pods_that_are_not_captured()
    {
        var ns = await server.CreateNamespaceAsync("events");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        writing.Troubles = [NamespaceTrouble.Of(ns, OnNodes(1))];
        Assert.True(await Eventually.TrueAsync(async () => (await server.EventsAsync(ns)).Count == 1), "no event");
        var told = Assert.Single(await server.EventsAsync(ns));
        Assert.Equal(("Warning", "EnrolmentFailed", "Namespace", ns), ((string)told["type"]!, (string)told["reason"]!, (string)told["regarding"]!["kind"]!, (string)told["regarding"]!["name"]!));
        Assert.Equal("1 pod on 1 node is not captured: web-0: the mesh cannot capture this pod (node node-0): no nft in this kernel", (string)told["note"]!);

        // One that spreads is told again at each doubling.
        foreach (var (nodes, events) in new[] { (2, 2), (3, 2), (4, 3), (7, 3) })
        {
            writing.Troubles = [NamespaceTrouble.Of(ns, OnNodes(nodes))];
            await SettledAsync(ns, events);
        }
        // And for another reason, and when pods are lost that were captured.
        writing.Troubles = [NamespaceTrouble.Of(ns, OnNodes(7, reason: "no room for rules"))];
        await SettledAsync(ns, 4);
        writing.Troubles = [NamespaceTrouble.Of(ns, OnNodes(7, wasEnrolled: true))];
        await SettledAsync(ns, 5);
        Assert.Single(await server.EventsAsync(ns), e => (string)e["reason"]! == "CaptureLost" && ((string)e["note"]!).StartsWith("7 pods on 7 nodes are no longer captured: web-0: ", StringComparison.Ordinal));

        (string, Trouble)[] OnNodes(int nodes, bool wasEnrolled = false, string reason = "no nft in this kernel") =>
            [.. Enumerable.Range(0, nodes).Select(i => ($"node-{i}", Trouble.OfPod(EventSubject.Pod(ns, $"web-{i}", $"uid-{i}"), $"node-{i}", wasEnrolled, reason)))];
    }

    [Fact]
    public async Task A_label_that_enrols_nothing_has_an_event_for_as_long_as_it_is_there()
    {
        var ns = await server.CreateNamespaceAsync("events");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        foreach (var (value, events) in new[] { ("true", 0), ("yes", 1), ("false", 1), ("enabled", 2) })
        {
            await server.ApplyAsync($"{{ apiVersion: v1, kind: Namespace, metadata: {{ name: {ns}, labels: {{ ambient.mesh/enroll: '{value}' }} }} }}");
            await source.UntilAsync(s => s.All<NamespaceObject>().Single(n => n.Name == ns).Labels.GetValueOrDefault("ambient.mesh/enroll") == value, value);
            await SettledAsync(ns, events);
        }
        Assert.Contains(await server.EventsAsync(ns), e => (string)e["reason"]! == "EnrolmentLabelIgnored" && (string)e["note"]! == "label ambient.mesh/enroll=yes is ignored: expected true or false");
    }

    [Fact]
    public async Task A_label_on_a_namespace_that_is_never_enrolled_has_an_event()
    {
        // Of its own: that namespace is everybody's.
        await using var own = await ApiServer.StartFakeAsync();
        await own.ApplyAsync("{ apiVersion: v1, kind: Namespace, metadata: { name: kube-system, labels: { ambient.mesh/enroll: 'true' } } }");
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        Assert.True(await Eventually.TrueAsync(async () =>
            (await own.EventsAsync("kube-system")).Any(e => ((string)e["note"]!).Contains("never enrolled"))), "no event");
    }

    [Fact]
    public async Task A_thousand_troubles_at_once_are_told_in_measure()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("events");
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await using var writing = Written.Start(own, source);
        writing.Troubles = [.. Enumerable.Range(0, 1000).Select(i => Trouble.OfPod(EventSubject.Pod(ns, $"web-{i}", Guid.NewGuid().ToString()), "node-a", wasEnrolled: false, "trouble"))];
        await Task.Delay(WriteBack.RoundInterval * 3);
        Assert.InRange((await own.EventsAsync(ns)).Count, EventWriter.Burst, EventWriter.Burst + 20);
    }

    [Fact]
    public async Task A_node_that_has_proved_itself_loses_the_start_up_taint_and_nothing_else()
    {
        var (good, ill) = (server.Name("node"), server.Name("node"));
        foreach (var node in (string[])[good, ill])
            await server.ApplyAsync($"{{ apiVersion: v1, kind: Node, metadata: {{ name: {node} }}, spec: {{ taints: [ {{ key: other, effect: NoSchedule }}, {{ key: {TaintRemover.Taint}, effect: NoSchedule }} ] }} }}");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        writing.Healthy = new HashSet<string> { good };
        Assert.True(await Eventually.TrueAsync(async () => !(await TaintsAsync(good)).Contains(TaintRemover.Taint)), "the taint stays");
        Assert.Contains("other", await TaintsAsync(good));
        Assert.Contains(TaintRemover.Taint, await TaintsAsync(ill));
    }

    [Fact]
    public async Task Pods_whose_label_enrols_nothing_have_one_event_for_each_value_and_none_once_they_have_ended()
    {
        var ns = await server.CreateNamespaceAsync("events");
        foreach (var (pod, value) in new[] { ("web-0", "yes"), ("web-1", "yes"), ("api", "on"), ("good", "true") })
        {
            await server.ApplyAsync(Objects.Pod(ns, pod, "10.8.1.1"));
            await server.MergePatchAsync($"/api/v1/namespaces/{ns}/pods/{pod}", $$"""{ "metadata": { "labels": { "ambient.mesh/enroll": "{{value}}" } } }""");
        }
        await server.MergePatchAsync($"/api/v1/namespaces/{ns}/pods/api/status", """{ "status": { "phase": "Succeeded" } }""");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        await using var writing = Written.Start(server, source);
        await SettledAsync(ns, 1);
        Assert.Equal("label ambient.mesh/enroll=yes is ignored: expected true or false (on 2 pods, the first web-0)", (string)Assert.Single(await server.EventsAsync(ns))["note"]!);
    }

    // So many Events, and no more a while later.
    private async Task SettledAsync(string ns, int events)
    {
        Assert.True(await Eventually.TrueAsync(async () => (await server.EventsAsync(ns)).Count >= events), $"{(await server.EventsAsync(ns)).Count} events, expected {events}");
        await Task.Delay(WriteBack.RoundInterval * 1.5);
        Assert.Equal(events, (await server.EventsAsync(ns)).Count);
    }

    private async Task<string> WithPoliciesAsync()
    {
        var ns = await server.CreateNamespaceAsync("status");
        await server.ApplyAsync(Manifest.Definition("accesspolicies"));
        await server.ApplyAsync(Policy(ns, "good", "{ namespaces: [ shop ] }") + Policy(ns, "odd", "{ namespaces: [ shop ], nonsense: [ shop ] }"));
        return ns;
    }

    private static string Policy(string ns, string name, string from) =>
        $"{{ apiVersion: ambient.mesh/v1alpha1, kind: AccessPolicy, metadata: {{ name: {name}, namespace: {ns} }}, spec: {{ rules: [ {{ from: [ {from} ] }} ] }} }}\n---\n";

    private async Task<JsonObject> PolicyAsync(string ns, string name) =>
        (await server.Http.GetFromJsonAsync<JsonObject>($"/apis/ambient.mesh/v1alpha1/namespaces/{ns}/accesspolicies/{name}"))!;

    private async Task<string> VersionAsync(string ns, string name) => (string)(await PolicyAsync(ns, name))["metadata"]!["resourceVersion"]!;

    private async Task<string> ConditionAsync(string ns, string name) =>
        ((await PolicyAsync(ns, name))["status"]?["conditions"] as JsonArray)?.FirstOrDefault() is { } condition ? $"{condition["status"]} {condition["reason"]}" : "";

    private async Task<string> TaintsAsync(string node) => (await server.Http.GetFromJsonAsync<JsonObject>($"/api/v1/nodes/{node}"))!["spec"]?["taints"]?.ToJsonString() ?? "";
}
