using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>A model that builds upon the last one says what one from scratch says, and makes anew only what a change touches.</summary>
public sealed class IncrementalModelTests
{
    private const int Rounds = 400;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_edited_the_model_is_what_a_builder_without_a_past_makes(int seed)
    {
        var random = new Random(seed);
        var documents = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var files = new Dictionary<string, ParsedFile>();
        var builder = new ModelBuilder("cluster.local");
        var composer = Composer();
        var view = new Dictionary<ToldKey, ToldResource>();
        MeshModel? before = null;
        for (var round = 0; round < Rounds; round++)
        {
            for (var edits = random.Next(1, 4); edits > 0; edits--)
                Edit(documents, files, random);
            var source = new SourceSnapshot([.. documents.Keys.SelectMany(name => files[name].Objects)],
                [.. documents.Keys.SelectMany(name => files[name].UnknownKinds).Distinct().Order(StringComparer.Ordinal)], [], IsStandalone: true);

            var model = builder.Build(source);
            var fresh = new ModelBuilder("cluster.local").Build(source);

            Assert.Equal(fresh.Warnings, model.Warnings);
            Assert.Equal(fresh.EnrolledNamespaces, model.EnrolledNamespaces);
            Assert.Equal(fresh.Resources, model.Resources);
            Assert.Equal(Told(fresh), Told(model));
            // What is told step by step amounts to what a node is told that comes now.
            foreach (var change in composer.Update(model))
            {
                if (change.Now is null)
                    view.Remove(change.Key);
                else
                    view[change.Key] = change.Now;
            }
            Assert.Equal(Composer().Update(fresh).Select(c => c.Now!.Read()).OrderBy(r => r.Key, StringComparer.Ordinal), view.Values.Select(r => r.Read()).OrderBy(r => r.Key, StringComparer.Ordinal));
            // And what is said to have changed is what did.
            Assert.Equal(ModelChange.Between(before, model).Resources.Select(c => $"{c.Key} {c.Now is null}").Order(StringComparer.Ordinal),
                model.Change.Resources.Select(c => $"{c.Key} {c.Now is null}").Order(StringComparer.Ordinal));
            before = model;
        }
    }

    [Fact]
    public void An_edited_pod_leaves_all_others_and_the_endpoints_of_other_services_the_objects_that_they_were()
    {
        var builder = new ModelBuilder("cluster.local");
        var file = ParsedFile.Empty.Next("a.yaml", Shop("10.1.0.1"));
        var before = builder.Build(Snapshot(file));
        var after = builder.Build(Snapshot(file.Next("a.yaml", Shop("10.1.0.9"))));

        Assert.Equal(["web"], after.Pods.Values.Where(p => !before.Pods.Values.Any(old => ReferenceEquals(old, p))).Select(p => p.Name));
        Assert.Equal(["endpoint/shop/web/10.1.0.9"],
            after.Told.Where(r => !before.Told.Any(old => ReferenceEquals(old, r))).Select(r => r.Key.ToString()));
        Assert.Equal(["endpoint/shop/web/10.1.0.1", "endpoint/shop/web/10.1.0.9", $"workload/{after.Pods.Values.Single(p => p.Name == "web").Uid}"],
            Composer().Update(after).Select(c => c.Key.ToString()).Order(StringComparer.Ordinal));

        static string Shop(string web) => $$$"""
            {kind: Namespace, metadata: {name: shop}}
            ---
            {kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {nodeName: a}, status: {podIP: {{{web}}} } }
            ---
            {kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, spec: {nodeName: a}, status: {podIP: 10.1.0.2}}
            ---
            {kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: 10.2.0.1, selector: {app: web}, ports: [{port: 80}]}}
            ---
            {kind: Service, metadata: {name: api, namespace: shop}, spec: {clusterIP: 10.2.0.2, selector: {app: api}, ports: [{port: 80}]}}
            """;
    }

    [Fact]
    public void Of_namespaces_that_come_and_go_nothing_is_kept()
    {
        var builder = new ModelBuilder("cluster.local");
        var names = ComeAndGo(builder, 50);
        // What the last change was is part of the model: another one follows.
        builder.Build(Snapshot(ParsedFile.Empty.Next("a.yaml", "{kind: Namespace, metadata: {name: stays}}")));
        builder.Build(Snapshot(ParsedFile.Empty.Next("a.yaml", "{kind: Namespace, metadata: {name: stays, labels: {a: b}}}")));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.Equal(0, names.Count(name => name.IsAlive));
        GC.KeepAlive(builder);

        // A method of its own, so that no local of this one keeps anything.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static List<WeakReference> ComeAndGo(ModelBuilder builder, int namespaces)
        {
            var names = new List<WeakReference>();
            for (var i = 0; i < namespaces; i++)
            {
                var file = ParsedFile.Empty.Next("a.yaml", $$$"""
                    {kind: Namespace, metadata: {name: shop-{{{i}}}, labels: {ambient.mesh/enroll: 'true'} } }
                    ---
                    {kind: Pod, metadata: {name: web, namespace: shop-{{{i}}}, labels: {app: web}}, spec: {nodeName: a}, status: {podIP: 10.1.0.1}}
                    ---
                    {kind: Service, metadata: {name: web, namespace: shop-{{{i}}} }, spec: {clusterIP: 10.2.0.1, selector: {app: web}, ports: [{port: 80}]}}
                    ---
                    {kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: shop-{{{i}}} }, spec: {podSelector: {} } }
                    ---
                    {kind: AccessPolicy, apiVersion: ambient.mesh/v1alpha1, metadata: {name: p, namespace: shop-{{{i}}} }, spec: {action: ALLOW, rules: [{from: [{namespaces: [bank]}]}]} }
                    """);
                Assert.Single(builder.Build(Snapshot(file)).Pods);
                names.AddRange(file.Objects.Select(o => new WeakReference(o.Namespace.Length > 0 ? o.Namespace : o.Name)));
            }
            return names;
        }
    }

    [Fact]
    public void In_a_file_of_many_documents_only_the_changed_ones_are_read_again_and_places_stay_right()
    {
        var first = ParsedFile.Empty.Next("a.yaml", "kind: Namespace\nmetadata: {name: a}\n---\nkind: Namespace\nmetadata: {name: b}\n");
        var second = first.Next("a.yaml", "kind: Namespace\nmetadata: {name: a}\n---\nkind: Namespace\nmetadata:\n  name: c\n");
        var third = second.Next("a.yaml", "# one line more\nkind: Namespace\nmetadata: {name: a}\n---\nkind: Namespace\nmetadata:\n  name: c\n");

        Assert.Same(first.Objects[0], second.Objects[0]);
        Assert.Equal(["Namespace a (a.yaml:1)", "Namespace c (a.yaml:4)"], second.Objects.Select(o => o.ToString()));
        Assert.Equal(["Namespace a (a.yaml:2)", "Namespace c (a.yaml:5)"], third.Objects.Select(o => o.ToString()));
        Assert.Equal(5, Assert.Throws<YamlFaultException>(() => third.Next("a.yaml", "kind: Namespace\nmetadata: {name: a}\n---\nkind: Namespace\nmetadata: {name: }}\n")).Line);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_text_read_in_pieces_says_what_it_says_read_whole(int seed)
    {
        string[] lines = ["---", "--- ", "---x", " ---", "--- {kind: Namespace, metadata: {name: x}}", "kind: Namespace", "metadata: {name: a}", "metadata:", "  name: b",
            "  labels: {a: '", "---", "'}", "...", "%YAML 1.1", "# ---", "", "kind: Other", "  note: |", "    ---", "\"", "--- # c", "\tx", "a\rb", "x: \u2028"];
        var random = new Random(seed);
        var agreed = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var text = string.Join(random.Next(2) == 0 ? "\n" : "\r\n", Enumerable.Range(0, random.Next(1, 9)).Select(_ => lines[random.Next(lines.Length)]));
            var whole = Try(() =>
            {
                var reader = new ObjectReader("a.yaml");
                foreach (var document in YamlDocuments.Read(text))
                    reader.Read(document);
                return (reader.Objects, (IEnumerable<string>)reader.UnknownKinds);
            });
            var pieces = Try(() => ParsedFile.Empty.Next("a.yaml", text) is var file ? (file.Objects, (IEnumerable<string>)file.UnknownKinds) : default);
            Assert.True(whole == pieces, $"{text.ReplaceLineEndings("|")}: whole {whole}, in pieces {pieces}");
            agreed += whole == "fault" ? 0 : 1;
        }
        Assert.True(agreed > 100, $"only {agreed} texts were any good");
    }

    private static string Try(Func<(ImmutableArray<SourceObject> Objects, IEnumerable<string> Kinds)> read)
    {
        try
        {
            var (objects, kinds) = read();
            return $"{string.Join(", ", objects)}; {string.Join(", ", kinds)}";
        }
        catch (YamlFaultException)
        {
            return "fault";
        }
    }

    private static void Edit(SortedDictionary<string, string> documents, Dictionary<string, ParsedFile> files, Random random)
    {
        var name = $"{random.Next(24):00}.yaml";
        if (random.Next(5) == 0)
        {
            documents.Remove(name);
            return;
        }
        var text = string.Join("\n---\n", Enumerable.Range(0, random.Next(1, 3)).Select(_ => Document(random)));
        documents[name] = text;
        files[name] = files.GetValueOrDefault(name, ParsedFile.Empty).Next(name, text);
    }

    // Few names, addresses and labels, so that objects meet, contradict and select each other all the time.
    private static string Document(Random random)
    {
        string One(params string[] of) => of[random.Next(of.Length)];
        var ns = One("shop", "shop", "bank", "kube-system");
        var address = $"10.1.0.{random.Next(1, 9)}";
        return random.Next(14) switch
        {
            0 => $"{{kind: Namespace, metadata: {{name: {ns}, labels: {{{One("", "ambient.mesh/enroll: 'true'", "ambient.mesh/enroll: 'maybe'")}}}, annotations: {{{One("", "ambient.mesh/exclude-inbound-ports: '80,x'")}}}}}}}",
            1 => $"{{kind: MeshConfig, apiVersion: ambient.mesh/v1alpha1, metadata: {{name: {One("m", "n")}}}, spec: {{mode: {One("STRICT", "PERMISSIVE")}, drainSeconds: {One("5", "7")}}}}}",
            2 => $"{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {One("p", "q")}, namespace: {ns}}}, spec: {{podSelector: {{{One("", "matchLabels: {app: web}", "matchLabels: {app: api}")}}}}}}}",
            3 => $"{{kind: Node, metadata: {{name: {One("a", "b")}, labels: {{topology.kubernetes.io/zone: {One("z1", "z2")}}}}}, status: {{addresses: [{{type: InternalIP, address: {One("192.168.0.1", address)}}}]}}}}",
            4 => $"{{kind: {One("CiliumNetworkPolicy", "Secret")}, apiVersion: x/v1}}",
            5 or 6 => $"{{kind: Service, metadata: {{name: {One("web", "api")}, namespace: {ns}}}, spec: {{clusterIP: {One("10.2.0.1", "10.2.0.2", address)}, selector: {One("{app: web}", "{app: api, tier: front}", "{}")}, ports: [{{port: 80, targetPort: {One("8080", "http")}}}]}}}}",
            7 => $"{{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {{name: {One("s", "t")}, namespace: {ns}, labels: {{kubernetes.io/service-name: {One("web", "api", "none")}}}}}, endpoints: [{{addresses: [{address}]{One("", ", targetRef: {kind: Pod, name: p1}")}}}], ports: [{{port: 80}}]}}",
            8 or 9 => $"{{kind: AccessPolicy, apiVersion: ambient.mesh/v1alpha1, metadata: {{name: {One("p", "q")}, namespace: {One(ns, "ambient-system")}}}, spec: {{selector: {{{One("", "matchLabels: {app: web}")}}}, action: {One("ALLOW", "DENY")}, rules: [{{from: [{{namespaces: [{One("shop", "bank")}]}}]}}]}}}}",
            _ => $"{{kind: Pod, metadata: {{name: p{random.Next(6)}, namespace: {ns}{One("", ", uid: u1")}, labels: {{app: {One("web", "api")}, tier: {One("front", "back")}}}, annotations: {{ambient.mesh/weight: '{One("1", "3", "no")}', ambient.mesh/port-modes: '{One("80=STRICT", "80=PERMISSIVE", "80")}'}}}}, "
                + $"spec: {{nodeName: {One("a", "b")}, hostNetwork: {One("false", "false", "true")}, containers: [{{ports: [{{name: {One("http", "other")}, containerPort: 8081}}]}}]}}, status: {{podIP: {address}, phase: {One("Running", "Running", "Failed")}}}}}",
        };
    }

    private static ViewComposer Composer() => new(_ => EnrolmentState.None, pod => pod.Exclusions.InboundPorts, _ => [], (_, _) => Assert.Fail("too large"));

    private static SourceSnapshot Snapshot(ParsedFile file) => new(file.Objects, file.UnknownKinds, [], IsStandalone: true);

    private static IEnumerable<string> Told(MeshModel model) =>
        model.Pods.Values.OrderBy(p => p.Uid, StringComparer.Ordinal).Select(p => $"{p.ToResource(EnrolmentState.None, [])} {p.ToCapturedPod(p.Exclusions.InboundPorts)} {p.WantsEnrolment}");
}
