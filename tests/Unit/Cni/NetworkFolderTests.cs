using System.Text.Json.Nodes;
using Ambient.Cni.Install;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Cni;

/// <summary>Chaining into the network that a runtime uses, and out of it again.</summary>
public sealed class NetworkFolderTests : IDisposable
{
    private const string List = """
        {
          "cniVersion": "1.0.0", "name": "cluster", "disableCheck": true, "big": 12345678901234567890,
          "plugins": [ { "type": "bridge", "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.1.0.0/24" }]] } }, { "type": "portmap", "capabilities": { "portMappings": true } } ]
        }
        """;

    private const string Single = """{"cniVersion":"0.4.0","name":"old","type":"bridge","x":"<&>"}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("networks").FullName;
    private readonly InstallOptions _options = new() { StrictBootSeconds = 7, ExcludedNamespaces = ExcludedNamespaces.With(["infra"]) };

    private NetworkFolder Folder => new(_folder);

    [Fact]
    public void The_plugin_becomes_the_last_of_the_first_network_by_name_and_all_else_stays()
    {
        Write("20-other.conflist", List);
        Write("10-cluster.conflist", List);
        Write("05-notes.txt", "no network");
        Write("06-broken.conf", "{");

        Assert.Contains("10-cluster.conflist", Folder.Chain(_options), StringComparison.Ordinal);

        var list = Json("10-cluster.conflist");
        Assert.Equal(["bridge", "portmap", "ambient-cni"], Types(list));
        Assert.Equal(("infra", 7), ((string)list["plugins"]![2]!["excludedNamespaces"]![1]!, (int)list["plugins"]![2]!["strictBootSeconds"]!));
        Assert.True((bool)list["plugins"]![2]!["capabilities"]!["io.kubernetes.cri.pod-annotations"]!);
        list["plugins"]!.AsArray().RemoveAt(2);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(List), list));
        Assert.Contains("12345678901234567890", Read("10-cluster.conflist"), StringComparison.Ordinal);
        Assert.Equal(List, Read("20-other.conflist"));
        Assert.Equal(List, Read("10-cluster.conflist.ambient-backup"));
    }

    [Fact]
    public void A_second_time_nothing_is_written_and_changed_settings_take_the_place_of_the_entry()
    {
        Write("10-cluster.conflist", List);
        Folder.Chain(_options);
        string chained = Read("10-cluster.conflist");

        Assert.Null(Folder.Chain(_options));
        Assert.Equal(chained, Read("10-cluster.conflist"));
        // The init container and Redirector both install, and each is given the same namespaces in a text of its own.
        Assert.Null(Folder.Chain(_options with { ExcludedNamespaces = ExcludedNamespaces.Parse("infra, kube-system,infra") }));
        Assert.NotNull(Folder.Chain(_options with { StrictBootSeconds = 8 }));

        Assert.Equal(["bridge", "portmap", "ambient-cni"], Types(Json("10-cluster.conflist")));
        Assert.Equal(List, Read("10-cluster.conflist.ambient-backup"));
    }

    [Fact]
    public void An_entry_that_another_plugin_was_put_behind_moves_to_the_end_again()
    {
        Write("10-cluster.conflist", List);
        Folder.Chain(_options);
        var list = Json("10-cluster.conflist");
        list["plugins"]!.AsArray().Add(new JsonObject { ["type"] = "tuning" });
        Write("10-cluster.conflist", list.ToJsonString());

        Folder.Chain(_options);

        Assert.Equal(["bridge", "portmap", "tuning", "ambient-cni"], Types(Json("10-cluster.conflist")));
    }

    [Fact]
    public void A_file_that_its_owner_writes_anew_is_chained_into_again()
    {
        Write("10-cluster.conflist", List);
        Folder.Chain(_options);
        Write("10-cluster.conflist", List.Replace("10.1.0.0", "10.2.0.0", StringComparison.Ordinal));

        Assert.NotNull(Folder.Chain(_options));

        Assert.Equal(["bridge", "portmap", "ambient-cni"], Types(Json("10-cluster.conflist")));
        Assert.Contains("10.2.0.0", Read("10-cluster.conflist.ambient-backup"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_of_the_old_form_becomes_a_list_and_comes_back_when_the_plugin_is_taken_out()
    {
        Write("10-old.conf", Single);

        Folder.Chain(_options);
        Assert.Equal(["10-old.conf.ambient-backup", "10-old.conflist"], Names());
        var list = Json("10-old.conflist");
        Assert.Equal(["bridge", "ambient-cni"], Types(list));
        Assert.Equal(("0.4.0", "old", "<&>"), ((string)list["cniVersion"]!, (string)list["name"]!, (string)list["plugins"]![0]!["x"]!));
        Assert.Null(Folder.Chain(_options));

        Folder.Unchain();
        Assert.Equal(["10-old.conf"], Names());
        Assert.Equal(Single, Read("10-old.conf"));
    }

    [Fact]
    public void Taken_out_it_leaves_the_network_as_it_is_now_without_it()
    {
        Write("10-cluster.conflist", List);
        Folder.Chain(_options);

        Assert.Single(Folder.Unchain());

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(List), Json("10-cluster.conflist")));
        Assert.Equal(["10-cluster.conflist"], Names());
        Assert.Empty(Folder.Unchain());
    }

    [Fact]
    public void A_network_of_a_version_without_chains_is_refused_and_left_alone()
    {
        Write("10-ancient.conf", """{"cniVersion":"0.2.0","name":"n","type":"bridge"}""");

        var fault = Assert.Throws<InvalidDataException>(() => Folder.Chain(_options));

        Assert.Contains("0.2.0", fault.Message, StringComparison.Ordinal);
        Assert.Equal(["10-ancient.conf"], Names());
    }

    [Fact]
    public void Without_a_network_it_is_not_installed_and_says_so()
    {
        Write("10-broken.conf", "{");
        Assert.Contains("no network", Assert.Throws<InvalidDataException>(() => Folder.Chain(_options)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => new NetworkFolder(Path.Combine(_folder, "missing")).Chain(_options));
        Assert.Empty(Folder.Unchain());
        Assert.Empty(new NetworkFolder(Path.Combine(_folder, "missing")).Unchain());
    }

    // The runtime goes by the name too: it would use the next file, and ours would change one that nobody reads.
    [Fact]
    public void A_list_that_is_named_like_a_single_plugin_is_no_network_and_neither_is_the_reverse()
    {
        Write("10-list.conf", List);
        Write("20-list.json", List);
        Write("30-single.conflist", Single);
        Write("40-cluster.conflist", List);

        Assert.Contains("40-cluster.conflist", Folder.Chain(_options), StringComparison.Ordinal);

        Assert.Equal((List, List, Single), (Read("10-list.conf"), Read("20-list.json"), Read("30-single.conflist")));
        Assert.Single(Folder.Unchain());
    }

    [Fact]
    public async Task Two_that_install_at_once_do_not_meet_and_what_a_killed_one_left_is_cleared_up()
    {
        string file = Path.Combine(_folder, "10-cluster.conflist"), left = Path.Combine(_folder, ".10-cluster.conflist.0123.ambient-new"), young = left.Replace("0123", "4567", StringComparison.Ordinal);
        Write("10-cluster.conflist", List);
        File.WriteAllText(left, "half");
        File.WriteAllText(young, "half");
        File.SetLastWriteTimeUtc(left, File.GetLastWriteTimeUtc(left) - TimeSpan.FromHours(1));

        byte[] one = new byte[100_000], other = [.. Enumerable.Repeat((byte)1, 100_000)];
        await Task.WhenAll(((byte[][])[one, other]).Select(content => Task.Run(() =>
        {
            for (int i = 0; i < 200; i++)
                AtomicFile.Replace(file, to =>
                {
                    to.Write(content.AsSpan(0, 50_000));
                    to.Write(content.AsSpan(50_000));
                }, AtomicFile.ReadableByAll);
        })));

        byte[] found = File.ReadAllBytes(file);
        Assert.True(found.AsSpan().SequenceEqual(one) || found.AsSpan().SequenceEqual(other));
        Assert.Equal([Path.GetFileName(young), "10-cluster.conflist"], Names());   // a young one may be somebody's who is at it
    }

    [Fact]
    public void A_file_that_cannot_take_the_others_place_is_not_left_behind()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "10-cluster.conflist"));
        Assert.ThrowsAny<Exception>(() => AtomicFile.Replace(Path.Combine(_folder, "10-cluster.conflist"), [1, 2, 3]));
        Assert.Empty(Names());
    }

#pragma warning disable CA1416 // Unix modes: this runs on Linux alone.
    [Fact]
    public void The_program_is_put_there_once_for_everybody_to_run_and_replaced_when_it_differs()
    {
        string program = Path.Combine(_folder, "program"), target = Path.Combine(_folder, "bin", "ambient-cni");
        File.WriteAllText(program, "first");
        Assert.NotNull(PluginBinary.Install(program, Path.Combine(_folder, "bin")));
        Assert.Equal(AtomicFile.ExecutableByAll, File.GetUnixFileMode(target));
        Assert.Null(PluginBinary.Install(program, Path.Combine(_folder, "bin")));
        File.WriteAllText(program, "other");
        Assert.NotNull(PluginBinary.Install(program, Path.Combine(_folder, "bin")));
        Assert.Equal("other", File.ReadAllText(target));
        Assert.Equal(["ambient-cni"], Directory.GetFiles(Path.Combine(_folder, "bin")).Select(f => Path.GetFileName(f)));
        Assert.NotNull(PluginBinary.Uninstall(Path.Combine(_folder, "bin")));
        Assert.Null(PluginBinary.Uninstall(Path.Combine(_folder, "bin")));
    }

    [Fact]
    public void The_rights_of_a_changed_network_stay()
    {
        Write("10-cluster.conflist", List);
        File.SetUnixFileMode(Path.Combine(_folder, "10-cluster.conflist"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Folder.Chain(_options);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "10-cluster.conflist")));
    }
#pragma warning restore CA1416

    [Fact]
    public void Every_wrong_option_is_told()
    {
        InstallOptions.Parse(["--bogus", "x", "--strict-boot=999", "--socket"], out var faults);
        Assert.Equal(3, faults.Count);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private string Read(string name) => File.ReadAllText(Path.Combine(_folder, name));

    private JsonObject Json(string name) => JsonNode.Parse(Read(name))!.AsObject();

    private static string[] Types(JsonObject list) => [.. list["plugins"]!.AsArray().Select(p => (string)p!["type"]!)];

    private string[] Names() => [.. Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];
}
