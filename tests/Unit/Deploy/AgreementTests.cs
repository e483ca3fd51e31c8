using System.Diagnostics;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>One source, four forms: the chart, daemonset.yaml, the Kustomize base, and what `ambientctl install --print` writes.</summary>
public sealed class AgreementTests
{
    [Fact]
    public void What_is_checked_in_is_what_the_chart_makes()
    {
        var made = ManifestFiles.All();
        foreach (var (path, text) in made) Assert.True(File.Exists(Path.Combine(Checkout.Root, path)) && Checkout.Read(path) == text, $"{path} is out of date: ./ambient.sh manifests");
        var strays = ((string[])["deploy/crds", "deploy/kustomize/base"]).SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Checkout.Root, folder)))
            .Select(file => Path.GetRelativePath(Checkout.Root, file)).Except(made.Keys);
        Assert.Empty(strays);
        var templates = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "deploy/helm/ambient/templates"), "*.yaml").Select(Path.GetFileName);
        Assert.Equal(Chart.Names.Order(StringComparer.Ordinal), templates.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_Kustomize_base_holds_the_objects_of_daemonset_yaml()
    {
        AssertSame(Checkout.Daemonset, Kustomized("deploy/kustomize/base"));
    }

    [Fact]
    public async Task The_program_that_people_have_renders_the_Kustomize_base_to_the_same_objects() =>
        AssertSame(Checkout.Daemonset, Objects(await RunAsync("kubectl", "kustomize", Path.Combine(Checkout.Root, "deploy/kustomize/base"))));

    [Fact]
    public async Task The_program_that_people_have_renders_the_chart_to_the_same_objects() =>
        AssertSame(Checkout.Daemonset, Objects(await RunAsync("helm", "template", "ambient", Path.Combine(Checkout.Root, "deploy/helm/ambient"))));

    [Fact]
    public void A_value_that_is_set_is_where_it_belongs_and_nowhere_else()
    {
        var values = Chart.Defaults.With("image=registry.example/ambient@sha256:0123").With("node.drainSeconds=120").With("networkPolicy.enabled=false")
            .With("controller.resources={limits: {memory: 4Gi}}").With("node.seLinuxType=spc_t").With("podMonitor.enabled=true");
        var objects = Objects(Chart.Whole(values, ""));
        var node = objects.Single(o => (string?)o["kind"] == "DaemonSet" && (string?)o["metadata"]!["name"] == "ambient-node")["spec"]!["template"]!["spec"]!;
        Assert.Equal(130, (int)node["terminationGracePeriodSeconds"]!);
        Assert.Contains("--drain-seconds=120", Checkout.Texts(node["containers"]![0]!["args"]));
        Assert.Equal("spc_t", (string?)node["containers"]![0]!["securityContext"]!["seLinuxOptions"]!["type"]);
        Assert.Equal("""{"limits":{"memory":"4Gi"}}""", objects.Single(o => (string?)o["kind"] == "Deployment")["spec"]!["template"]!["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
        Assert.DoesNotContain(objects, o => (string?)o["kind"] == "NetworkPolicy");
        Assert.Single(objects, o => (string?)o["kind"] == "PodMonitor");
        Assert.DoesNotContain("localhost/ambient", Chart.Whole(values, ""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image=localhost/ambient:9", "Never")]
    [InlineData("image=localhost:5000/ambient:9", "IfNotPresent")]
    [InlineData("image=registry.example/localhost/ambient:9", "IfNotPresent")]
    [InlineData("imagePullPolicy=Always", "Always")]
    public void An_image_that_is_no_registrys_is_asked_of_nobody(string assignment, string policy)
    {
        var pods = Objects(Chart.Whole(Chart.Defaults.With(assignment), "")).Select(o => o["spec"]?["template"]?["spec"]).OfType<JsonObject>();
        var containers = pods.SelectMany(pod => (pod["initContainers"]?.AsArray() ?? []).Concat(pod["containers"]!.AsArray())).ToList();
        Assert.Equal(4, containers.Count);
        Assert.All(containers, container => Assert.Equal(policy, (string?)container!["imagePullPolicy"]));
    }

    [Fact]
    public void The_guard_of_the_controllers_rights_is_there_unless_it_is_asked_away()
    {
        Assert.Equal(["ambient-create-guard", "ambient-node-taint-guard"], Guards(Chart.Defaults));
        Assert.Empty(Guards(Chart.Defaults.With("guard.enabled=false")));

        static IEnumerable<string> Guards(ChartValues values) => Objects(Chart.Whole(values, "")).Where(o => (string?)o["kind"] == "ValidatingAdmissionPolicy")
            .Select(o => (string)o["metadata"]!["name"]!).Order(StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("controller.replica=3", "there is no value controller.replica; there are: image")]
    [InlineData("controller.replicas=many", "expected something like 2, found many")]
    [InlineData("networkPolicy.enabled=no", "expected something like true, found no")]
    [InlineData("node.resources=1", "expected something like {")]
    [InlineData("image", "--set takes NAME=VALUE")]
    public void A_value_that_is_not_there_or_has_another_form_is_refused(string assignment, string reason) =>
        Assert.Contains(reason, Assert.Throws<DeployException>(() => Chart.Defaults.With(assignment)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a: {{ .Values.nowhere }}", "line 1: there is no value nowhere")]
    [InlineData("a: b\nc: {{ include \"x\" . }}", "line 2: something that is not known here")]
    [InlineData("{{- range .Values.node }}", "line 1: something that is not known here")]
    [InlineData("{{- if .Values.podMonitor.enabled }}\na: b", "an if without its end")]
    public void What_the_renderer_does_not_know_of_the_language_is_refused(string template, string reason) =>
        Assert.Contains(reason, Assert.Throws<DeployException>(() => ChartTemplate.Render("t", template, Chart.Defaults)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_image_bears_the_version_of_the_chart()
    {
        var chart = Assert.Single(Checkout.Objects("deploy/helm/ambient/Chart.yaml"));
        Assert.Equal($"localhost/ambient:{chart["appVersion"]}", Chart.Defaults["image"].ToString());
        Assert.Equal((string?)chart["version"], (string?)chart["appVersion"]);
    }

    private static List<JsonObject> Kustomized(string folder) => [.. Checkout.Texts(Checkout.Objects($"{folder}/kustomization.yaml").Single()["resources"])
        .SelectMany(resource => Directory.Exists(Path.Combine(Checkout.Root, folder, resource))
            ? Kustomized(Path.GetRelativePath(Checkout.Root, Path.GetFullPath(Path.Combine(Checkout.Root, folder, resource))))
            : Checkout.Objects($"{folder}/{resource}"))];

    private static IReadOnlyList<JsonObject> Objects(string yaml) => [.. YamlTree.Read(yaml).Cast<JsonObject>()];

    private static void AssertSame(IEnumerable<JsonObject> expected, IEnumerable<JsonObject> found)
    {
        var wanted = expected.ToDictionary(Key);
        var left = wanted.Keys.ToHashSet();
        foreach (var item in found)
        {
            Assert.True(left.Remove(Key(item)), $"{Key(item)} is not in daemonset.yaml, or twice here");
            Assert.True(JsonNode.DeepEquals(wanted[Key(item)], item), $"{Key(item)} differs:\n{wanted[Key(item)]}\n{item}");
        }
        Assert.Empty(left);
    }

    private static string Key(JsonObject item) => $"{item["kind"]} {item["metadata"]!["namespace"]}/{item["metadata"]!["name"]}";

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"{program} is not installed here");
        using var process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        return await output;
    }
}
