using System.Text;
using Ambient.Controller.Authority;
using Ambient.Controller.Model;
using Ambient.Controller.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Files that nobody wrote in good faith: each is named with its reason, in bounded time, and the others are followed.</summary>
public sealed class HostileSourceTests : IDisposable
{
    private const string Good = "{kind: Namespace, metadata: {name: good}}";
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-hostile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("lists of lists", "aliases that stand for at most")]
    [InlineData("containers of a pod", "aliases that stand for at most")]
    [InlineData("labels", "aliases that stand for at most")]
    [InlineData("an anchor inside itself", "expected an anchor")]
    [InlineData("nesting", "levels of nesting")]
    [InlineData("nested objects", "levels of nesting")]
    [InlineData("wrong types", "expected a text at metadata.name")]
    [InlineData("a list instead of an object", "expected an object at spec")]
    [InlineData("a port of 70000", "expected a number from 1 to 65535")]
    [InlineData("a name with a slash", "a name of at most 253")]
    [InlineData("a name of 10,000 characters", "at most 1024 characters")]
    [InlineData("a key twice", "the key name only once")]
    [InlineData("a file of 17 MiB", "at most 16 MiB")]
    public void A_file_that_would_cost_without_end_is_refused_with_a_reason_and_the_others_are_read(string what, string expected)
    {
        Write("evil.yaml", TextOf(what));
        Write("good.yaml", Good);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var snapshot = Read();
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {clock.ElapsedMilliseconds} ms (bound 3000 ms)");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30));
        Assert.Contains(expected, Assert.Single(snapshot.Faults).Message);
        Assert.Equal("evil.yaml", snapshot.Faults[0].Place.Origin);
        Assert.Equal(["good"], snapshot.Objects.Select(o => o.Name));
    }

    [Fact]
    public async Task A_pipe_a_device_a_link_to_nothing_and_a_folder_with_a_files_name_keep_nobody_waiting()
    {
        Write("good.yaml", Good);
        Directory.CreateDirectory(At("folder.yaml"));
        File.CreateSymbolicLink(At("nothing.yaml"), At("is-not-there"));
        File.CreateSymbolicLink(At("loop.yaml"), At("loop.yaml"));
        File.CreateSymbolicLink(At("zero.yaml"), "/dev/zero");
        File.CreateSymbolicLink(At("proc.yaml"), "/proc/self/status");
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", At("pipe.yaml"))) await mkfifo.WaitForExitAsync();
        Assert.True(File.Exists(At("pipe.yaml")));

        var snapshot = await Task.Run(Read).WaitAsync(TimeSpan.FromSeconds(20)); // not waiting for a pipe, nor reading a device without end
        Assert.Equal(["good"], snapshot.Objects.Select(o => o.Name));
        Assert.Empty(snapshot.Faults);
    }

    [Fact]
    public async Task Files_that_come_and_go_while_they_are_read_end_in_what_is_there_at_last()
    {
        Write("good.yaml", Good);
        using var stop = new CancellationTokenSource();
        var reader = NewReader();
        reader.Look(TimeSpan.Zero, takeAtOnce: true);
        var coming = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                Write($"{i % 20}.yaml", $"{{kind: Namespace, metadata: {{name: n{i}}}}}");
                if (i % 3 == 0) File.Delete(At($"{(i + 7) % 20}.yaml"));
            }
        });
        for (int i = 1; i < 2_000; i++) reader.Look(TimeSpan.FromMilliseconds(60 * i));
        await stop.CancelAsync();
        await coming;
        foreach (string file in Directory.GetFiles(At("")).Where(f => !f.EndsWith("good.yaml", StringComparison.Ordinal))) File.Delete(file);
        for (int i = 0; i < 3; i++) reader.Look(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(i));
        Assert.Equal(["good"], reader.Snapshot().Objects.Select(o => o.Name));
        Assert.Empty(reader.Snapshot().Faults);
    }

    [Fact]
    public void A_file_of_a_hundred_thousand_lines_is_read_and_made_a_model_of()
    {
        var text = new StringBuilder("kind: Namespace\napiVersion: v1\nmetadata: {name: shop}\n");
        for (int i = 0; i < 10_000; i++)
        {
            text.Append("---\nkind: Pod\napiVersion: v1\nmetadata:\n  name: p").Append(i).Append("\n  namespace: shop\n  labels:\n    app: a").Append(i % 100)
                .Append("\nspec:\n  nodeName: n").Append(i % 50).Append("\nstatus:\n  podIP: 10.").Append(i >> 16).Append('.').Append(i >> 8 & 255).Append('.').Append(i & 255).Append('\n');
        }

        Write("all.yaml", text.ToString().Replace("podIP: 10.0.0.0\n", "podIP: 10.9.9.9\n", StringComparison.Ordinal));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var snapshot = Read();
        var model = new ModelBuilder("cluster.local").Build(snapshot);
        TestContext.Current.TestOutputHelper?.WriteLine($"{text.ToString().Count(c => c == '\n'):N0} lines: {clock.ElapsedMilliseconds} ms (bound 5000 ms)");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(50));
        Assert.Empty(snapshot.Faults);
        Assert.Equal(10_000, model.Pods.Count);
    }

    [Theory]
    [InlineData("a slice of a service that is not there", "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: s, namespace: shop, labels: {kubernetes.io/service-name: ghost}}, addressType: IPv4, endpoints: [{addresses: [10.1.0.9]}], ports: [{port: 80}]}", "ghost")]
    [InlineData("a pod of a namespace that is not there", "{kind: Pod, metadata: {name: p, namespace: ghost}, spec: {nodeName: a}, status: {podIP: 10.1.0.9}}", "ghost")]
    [InlineData("two pods with one address", "{kind: Pod, metadata: {name: p, namespace: shop}, spec: {nodeName: a}, status: {podIP: 10.1.0.1}}", "10.1.0.1")]
    [InlineData("a name that is there already", "{kind: Pod, metadata: {name: web, namespace: shop}, spec: {nodeName: a}, status: {podIP: 10.1.0.9}}", "web")]
    public async Task What_makes_no_sense_together_is_told_in_log_and_metric_and_harms_nothing_else(string what, string yaml, string expected)
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        rig.Write("more.yaml", yaml + "\n---\n{kind: Service, apiVersion: v1, metadata: {name: marker, namespace: shop}, spec: {clusterIP: 10.2.0.99, ports: [{port: 80}]}}");
        await node.UntilAsync(() => node.View.ContainsKey("service/shop/marker"));
        Assert.True(node.View.ContainsKey("workload/uid-web"), what);
        await rig.LoggedAsync(expected);
        Assert.Contains("ambient_controller_model_warnings 1", await rig.GetAsync("/metrics"));
    }

    [Fact]
    public async Task A_service_without_ports_is_one_that_nobody_can_call_and_no_fault()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: mute, namespace: shop}, spec: {clusterIP: 10.2.0.99, selector: {app: api}}}");
        await node.UntilAsync(() => node.View.ContainsKey("service/shop/mute"));
        Assert.Empty(node.View["service/shop/mute"].Service.Ports);
    }

    [Fact]
    public async Task A_broken_file_is_counted_and_logged_and_not_counted_any_more_when_it_is_mended()
    {
        await using var rig = await ControllerRig.StartAsync();
        rig.Write("evil.yaml", TextOf("lists of lists"));
        await rig.LoggedAsync("aliases that stand for at most");
        Assert.Contains("ambient_controller_source_faults 1", await rig.GetAsync("/metrics"));
        rig.Write("evil.yaml", Good);
        await rig.LoggedAsync("evil.yaml can be read again");
        Assert.Contains("ambient_controller_source_faults 0", await rig.GetAsync("/metrics"));
    }

    private static string TextOf(string what)
    {
        switch (what)
        {
            case "lists of lists":
                var lists = new StringBuilder("kind: List\nitems:\n- &a0 {kind: Namespace, metadata: {name: x}}\n");
                for (int i = 1; i < 10; i++) lists.Append("- &a").Append(i).Append(" {kind: List, items: [").AppendJoin(',', Enumerable.Repeat($"*a{i - 1}", 10)).Append("]}\n");
                return lists.ToString();
            case "containers of a pod":
                string ports = string.Join(',', Enumerable.Range(0, 5_000).Select(i => $"{{name: p{i}, containerPort: 1}}"));
                return $"kind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - &c {{ports: [{ports}]}}\n" + string.Concat(Enumerable.Repeat("  - *c\n", 5_000));
            case "labels":
                string labels = string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"l{i}: x"));
                return $"kind: Pod\nmetadata: {{name: p0, labels: &l {{{labels}}}}}\n" + string.Concat(Enumerable.Range(1, 3).Select(_ => "")) +
                    "spec: {containers: [" + string.Join(',', Enumerable.Repeat("{resources: *l}", 100)) + "]}\n";
            case "an anchor inside itself":
                return "kind: Pod\nmetadata: &m {name: p, labels: *m}\n";
            case "nesting":
                return new string('[', 1_000_000);
            case "nested objects":
                return string.Concat(Enumerable.Range(0, 5_000).Select(i => new string(' ', i) + "a:\n"));
            case "wrong types":
                return "{kind: Pod, metadata: {name: [p]}}";
            case "a list instead of an object":
                return "{kind: Pod, metadata: {name: p}, spec: [1, 2]}";
            case "a port of 70000":
                return "{kind: Service, metadata: {name: s}, spec: {ports: [{port: 70000}]}}";
            case "a name with a slash":
                return "{kind: Namespace, metadata: {name: ../../etc}}";
            case "a name of 10,000 characters":
                return $"{{kind: Namespace, metadata: {{name: {new string('n', 10_000)}}}}}";
            case "a key twice":
                return "{kind: Namespace, metadata: {name: a, name: b}}";
            case "a file of 17 MiB":
                return new string('#', 17 << 20);
            default:
                throw new ArgumentException(what);
        }
    }

    private SourceSnapshot Read()
    {
        var reader = NewReader();
        reader.Look(TimeSpan.Zero, takeAtOnce: true);
        return reader.Snapshot();
    }

    private string At(string name)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "yaml"));
        return Path.Combine(_folder, "yaml", name);
    }

    private void Write(string name, string text) => File.WriteAllText(At(name), text);

    private FolderReader NewReader() =>
        new(Path.Combine(_folder, "yaml"), new LastGoodFiles(new StateFolder(Path.Combine(_folder, "state")), NullLogger.Instance));
}
