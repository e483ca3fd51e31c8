using Ambient.Controller.Authority;
using Ambient.Controller.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Controller;

/// <summary>The folder reader by hand: what it believes when, with time as a number.</summary>
public sealed class SourceFolderTests : IDisposable
{
    private static readonly TimeSpan Settle = FolderReader.SettleTime;
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-source-").FullName;
    private FolderReader _reader;
    private TimeSpan _now;

    public SourceFolderTests() => _reader = NewReader();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_counts_once_it_has_rested_and_not_before()
    {
        _reader.Look(_now, takeAtOnce: true);
        Write("a.yaml", "{kind: Namespace, metadata: {name: a}}");

        Assert.False(_reader.Look(_now));
        Assert.True(_reader.IsUnsettled);
        Assert.False(_reader.Look(_now + Settle - TimeSpan.FromTicks(1)));
        Assert.True(_reader.Look(_now + Settle));
        Assert.False(_reader.IsUnsettled);
        Assert.Equal(["a"], Names());
    }

    [Fact]
    public void A_file_that_is_still_being_written_is_not_read_until_it_rests_or_half_a_second_has_passed()
    {
        _reader.Look(_now, takeAtOnce: true);
        var taken = TimeSpan.Zero;
        for (var ms = 0; ms <= 600 && taken == TimeSpan.Zero; ms += 50)
        {
            Write("a.yaml", "{kind: Namespace, metadata: {name: a}}" + new string(' ', ms));
            if (_reader.Look(TimeSpan.FromMilliseconds(ms)))
                taken = TimeSpan.FromMilliseconds(ms);
        }
        Assert.Equal(FolderReader.LongestWait, taken);
    }

    [Fact]
    public void A_file_that_is_missing_for_a_moment_while_an_editor_replaces_it_is_not_gone()
    {
        Write("a.yaml", "{kind: Namespace, metadata: {name: a}}");
        _reader.Look(_now, takeAtOnce: true);

        File.Move(At("a.yaml"), At("a.yaml~"));
        Assert.False(_reader.Look(_now += Settle));
        Write("a.yaml", "{kind: Namespace, metadata: {name: b}}");
        Assert.False(_reader.Look(_now += Settle / 2));
        Assert.Equal(["a"], Names());
        Assert.True(_reader.Look(_now += Settle));
        Assert.Equal(["b"], Names());
    }

    [Fact]
    public void Files_beyond_the_most_are_not_read_and_that_is_a_fault_that_goes_when_they_do()
    {
        _reader = new FolderReader(Path.Combine(_folder, "yaml"), new LastGoodFiles(new StateFolder(Path.Combine(_folder, "state")), NullLogger.Instance), maxFiles: 2);
        foreach (var name in (string[])["a", "b", "c"])
            Write($"{name}.yaml", $"{{kind: Namespace, metadata: {{name: {name}}}}}");
        _reader.Look(_now, takeAtOnce: true);
        Assert.Equal(["a", "b"], Names());
        Assert.Equal("c.yaml: expected at most 2 files in the folder, found 3: this one and those after it are not read", Assert.Single(_reader.Snapshot().Faults).ToString());

        File.Delete(At("c.yaml"));
        Assert.True(_reader.Look(_now));
        Assert.Empty(_reader.Snapshot().Faults);
    }

    [Fact]
    public void A_file_that_stays_away_is_gone()
    {
        Write("a.yaml", "{kind: Namespace, metadata: {name: a}}");
        _reader.Look(_now, takeAtOnce: true);
        File.Delete(At("a.yaml"));
        _reader.Look(_now);
        Assert.True(_reader.Look(_now + Settle));
        Assert.Empty(Names());
    }

    [Fact]
    public void A_broken_file_is_named_with_its_line_and_what_was_expected_and_what_it_said_before_stays()
    {
        Write("a.yaml", "{kind: Namespace, metadata: {name: a}}");
        Write("b.yaml", "{kind: Namespace, metadata: {name: b}}");
        _reader.Look(_now, takeAtOnce: true);

        Write("a.yaml", "kind: Pod\nmetadata: {name: p}\nspec:\n  nodeName: n\nstatus:\n  podIP: 10.1.1.300\n");
        _reader.Look(_now);
        _reader.Look(_now + Settle);

        Assert.Equal("a.yaml:6: expected an IP address at status.podIP", Assert.Single(_reader.Snapshot().Faults).ToString());
        Assert.Equal(["a", "b"], Names());

        Write("a.yaml", "{kind: Namespace, metadata: {name: c}}");
        _reader.Look(_now += Settle);
        _reader.Look(_now += Settle);
        Assert.Empty(_reader.Snapshot().Faults);
        Assert.Equal(["c", "b"], Names());
    }

    [Theory]
    [InlineData("kind: [", 2, "expected YAML")]
    [InlineData("a: 1\na: 2", 2, "expected the key a only once")]
    [InlineData("just a text", 1, "expected an object")]
    [InlineData("metadata: {name: x}", 1, "expected the kind of an object at kind")]
    [InlineData("kind: Pod\nmetadata: {}", 2, "expected metadata.name")]
    [InlineData("kind: Pod\nmetadata:\n  name: 'a/b'", 3, "expected a name of at most 253 letters")]
    [InlineData("kind: Pod\nmetadata: {name: a}\nspec:\n  hostNetwork: 'true'", 4, "expected true or false at spec.hostNetwork")]
    [InlineData("kind: Pod\nmetadata: {name: a, labels: [x]}", 2, "expected a map of texts at metadata.labels")]
    [InlineData("kind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: 80\n  - port: 65536", 6, "expected a number from 1 to 65535 at spec.ports[1].port")]
    [InlineData("kind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - name: http", 5, "at spec.ports[0].port")]
    [InlineData("kind: Service\nmetadata: {name: a}\nspec:\n  ports: 80", 4, "expected a list at spec.ports")]
    [InlineData("kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: a}\nspec: {podSelector: {matchExpressions: [{key: a, operator: Like}]}}", 4, "expected In, NotIn, Exists or DoesNotExist")]
    [InlineData("kind: MeshConfig\napiVersion: ambient.mesh/v1alpha1\nspec:\n  podRanges: [10.1.0.1/16]", 4, "expected address ranges like 10.1.0.0/16")]
    [InlineData("kind: MeshConfig\napiVersion: ambient.mesh/v1alpha1\nspec:\n  mode: MAYBE", 4, "expected STRICT or PERMISSIVE at spec.mode")]
    [InlineData("kind: MeshConfig\napiVersion: ambient.mesh/v1alpha1\nspec:\n  trustDomain: Cluster", 4, "expected a trust domain")]
    [InlineData("kind: MeshConfig\napiVersion: ambient.mesh/v1alpha1\nspec:\n  podRange: [10.1.0.0/16]", 4, "unknown field spec.podRange: expected trustDomain, podRanges")]
    [InlineData("kind: MeshConfig\napiVersion: ambient.mesh/v1alpha1\nspec: {}\nmode: STRICT", 4, "unknown field mode")]
    [InlineData("kind: MeshConfig\napiVersion: ambient.mesh/v1alpha1\nspec:\n  podRanges:", 4, "expected a value at spec.podRanges")]
    [InlineData("kind: Pod\nmetadata: {name: a}\nstatus: {podIP: '1'}", 3, "expected an IP address")]
    [InlineData("kind: Pod\nmetadata: *nowhere", 2, "expected an anchor &nowhere")]
    public void A_fault_is_told_with_its_line_and_what_was_expected(string text, int line, string expected)
    {
        Write("a.yaml", text);
        _reader.Look(_now, takeAtOnce: true);
        var fault = Assert.Single(_reader.Snapshot().Faults);
        Assert.Contains(expected, fault.Message);
        Assert.Equal(line, fault.Place.Line);
    }

    [Fact]
    public void Nesting_without_end_and_files_without_end_are_refused()
    {
        Write("deep.yaml", new string('[', 100_000));
        Write("big.yaml", new string('#', (int)FolderReader.MaxFileBytes + 1));
        File.WriteAllBytes(At("binary.yaml"), [0xff, 0xfe, 0x00, 0x80]);
        _reader.Look(_now, takeAtOnce: true);
        Assert.Equal(3, _reader.Snapshot().Faults.Length);
        Assert.Contains(_reader.Snapshot().Faults, f => f.Message.Contains("levels of nesting"));
        Assert.Contains(_reader.Snapshot().Faults, f => f.Message.Contains("at most 16 MiB"));
    }

    [Fact]
    public void Other_files_hidden_files_and_unknown_kinds_are_left_alone()
    {
        Write("notes.txt", "[");
        Write(".hidden.yaml", "[");
        Write("other.yml", "{kind: Deployment, apiVersion: apps/v1}\n---\n{kind: Deployment, apiVersion: apps/v1}\n---\n---\n{kind: ConfigMap}\n");
        _reader.Look(_now, takeAtOnce: true);
        Assert.Empty(_reader.Snapshot().Faults);
        Assert.Equal(["ConfigMap", "apps/Deployment"], _reader.Snapshot().UnknownKinds);
    }

    [Fact]
    public void Lists_anchors_and_links_are_followed()
    {
        Directory.CreateDirectory(At("..data"));
        File.WriteAllText(At("..data/real"), "kind: List\napiVersion: v1\nitems:\n- {kind: Namespace, metadata: &m {name: a}}\n- {kind: Pod, metadata: *m}\n");
        File.CreateSymbolicLink(At("list.yaml"), At("..data/real"));
        _reader.Look(_now, takeAtOnce: true);
        Assert.Equal(["Namespace  a", "Pod default a"], _reader.Snapshot().Objects.Select(o => $"{o.Kind} {o.Namespace} {o.Name}"));
    }

    [Fact]
    public void A_controller_that_starts_beside_a_broken_file_knows_what_it_said_before()
    {
        Write("a.yaml", "{kind: Namespace, metadata: {name: a}}");
        Write("b.yaml", "{kind: Namespace, metadata: {name: b}}");
        _reader.Look(_now, takeAtOnce: true);
        Write("a.yaml", "[");
        File.Delete(At("b.yaml"));

        _reader = NewReader();
        _reader.Look(_now, takeAtOnce: true);
        Assert.Equal(["a"], Names());
        Assert.Single(_reader.Snapshot().Faults);

        // What was not there any more is not remembered for a later file of the same name.
        Write("b.yaml", "[");
        _reader = NewReader();
        _reader.Look(_now, takeAtOnce: true);
        Assert.Equal(["a"], Names());
    }

    [Fact]
    public void A_folder_that_is_away_for_a_while_takes_nothing_with_it()
    {
        Write("a.yaml", "{kind: Namespace, metadata: {name: a}}");
        _reader.Look(_now, takeAtOnce: true);
        Directory.Move(Path.Combine(_folder, "yaml"), Path.Combine(_folder, "away"));
        Assert.ThrowsAny<IOException>(() => _reader.Look(_now + Settle));
        Assert.Equal(["a"], Names());
    }

    [Fact]
    public void Text_with_anything_changed_is_read_or_refused_and_nothing_else()
    {
        var random = new Random(20260101);
        const string alphabet = "{}[]:,-&*!|>'\"%@`#?~ \n\tabz019\0\u00e9";
        for (var round = 0; round < 500; round++)
        {
            var text = ControllerRig.Shop.ToCharArray().ToList();
            for (var change = 0; change <= random.Next(4); change++)
            {
                var at = random.Next(text.Count);
                if (random.Next(2) == 0)
                    text.RemoveRange(at, Math.Min(random.Next(30), text.Count - at));
                else
                    text.Insert(at, alphabet[random.Next(alphabet.Length)]);
            }
            Write("a.yaml", new string([.. text]));
            _reader = NewReader();
            _reader.Look(_now, takeAtOnce: true);
            Assert.DoesNotContain(_reader.Snapshot().Faults, f => f.Message.Contains("bug"));
        }
    }

    private IEnumerable<string> Names() => _reader.Snapshot().Objects.Select(o => o.Name);

    private string At(string name) => Path.Combine(_folder, "yaml", name);

    private void Write(string name, string text) => File.WriteAllText(At(name), text);

    private FolderReader NewReader()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "yaml"));
        return new FolderReader(Path.Combine(_folder, "yaml"), new LastGoodFiles(new StateFolder(Path.Combine(_folder, "state")), NullLogger.Instance));
    }
}
