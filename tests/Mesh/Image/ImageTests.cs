using System.Diagnostics;
using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Image;

/// <summary>
/// The archive that <c>./ambient.sh image</c> leaves: it is what runtimes expect, and its programs run with nothing but what is in it. Skipped
/// where it has not been made: making it takes minutes.
/// </summary>
public sealed class ImageTests : IDisposable
{
    private const string NodeUser = "64000";

    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-image").FullName;

    private static string Archive { get; } = Environment.GetEnvironmentVariable("AMBIENT_IMAGE") is { Length: > 0 } given ? given : Path.Combine(Programs.Checkout!, ".build/ambient-image.tar");

    public ImageTests()
    {
        Assert.SkipUnless(File.Exists(Archive), "there is no image: ./ambient.sh image makes it (AMBIENT_IMAGE names another one)");
        Machine.Offers("unshare", "setpriv", "chroot");
        Run("tar", "-C", _folder, "-xf", Archive);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Docker_and_OCI_find_the_same_config_and_layer_and_every_blob_is_what_its_name_says()
    {
        var docker = Json("manifest.json").AsArray().Single()!;
        var index = Json("index.json")["manifests"]!.AsArray().Single()!;
        var manifest = Json(Blob((string)index["digest"]!));
        Assert.Equal((string)docker["Config"]!, Blob((string)manifest["config"]!["digest"]!));
        Assert.Equal((string)docker["Layers"]!.AsArray().Single()!, Blob((string)manifest["layers"]!.AsArray().Single()!["digest"]!));
        Assert.Equal(Chart.Defaults["image"].ToString(), (string?)docker["RepoTags"]!.AsArray().Single());
        Assert.Equal("1.0.0", (string?)Json("oci-layout")["imageLayoutVersion"]);
        foreach (var blob in Directory.EnumerateFiles(Path.Combine(_folder, "blobs/sha256")))
        {
            using var stream = File.OpenRead(blob);
            Assert.Equal(Path.GetFileName(blob), Convert.ToHexStringLower(SHA256.HashData(stream)));
        }
        var config = Json((string)docker["Config"]!);
        Assert.Equal($"{NodeUser}:{NodeUser}", (string?)config["config"]!["User"]);
        Assert.Equal("sha256:" + Path.GetFileName((string)docker["Layers"]![0]!), (string?)config["rootfs"]!["diff_ids"]!.AsArray().Single());
    }

    [Fact]
    public void There_is_no_shell_no_package_manager_and_nothing_with_set_user_ID_in_it()
    {
        using var layer = File.OpenRead(Layer);
        using var reader = new TarReader(layer);
        var names = new HashSet<string>();
        while (reader.GetNextEntry() is { } entry)
        {
            names.Add(entry.Name.TrimStart('.', '/'));
            Assert.True((entry.Mode & (UnixFileMode.SetUser | UnixFileMode.SetGroup)) == 0, entry.Name);
            Assert.True(entry.EntryType is TarEntryType.SymbolicLink || (entry.Mode & UnixFileMode.OtherWrite) == 0 || entry.Name.TrimEnd('/') == "./tmp", $"{entry.Name} can be written by everybody");
            Assert.Equal((0, 0), (entry.Uid, entry.Gid));
        }
        foreach (var name in (string[])["bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash", "usr/bin/apt-get", "usr/bin/dpkg", "usr/bin/perl", "bin/mount", "bin/su"]) Assert.DoesNotContain(name, names);
        foreach (var name in (string[])["usr/bin/ambient-node", "usr/bin/ambient-redirector", "usr/bin/ambient-cni", "usr/bin/ambient-controller", "usr/bin/ambientctl", "usr/sbin/nft", "var/lib/dpkg/status.d/libssl3"])
            Assert.Contains(name, names);
    }

    [Fact]
    public void Each_program_starts_with_nothing_but_what_is_in_it_as_the_user_that_the_manifest_says()
    {
        var root = Unpacked();
        Assert.Contains("--redirector", Inside(root, NodeUser, "/usr/bin/ambient-node", "--help"), StringComparison.Ordinal);
        Assert.Contains("--trust-domain", Inside(root, "64001", "/usr/bin/ambient-controller", "--help"), StringComparison.Ordinal);
        Assert.Contains("--conf-dir", Inside(root, "0", "/usr/bin/ambient-cni", "--help"), StringComparison.Ordinal);
        Assert.Contains("table inet ambient", Inside(root, "0", "/usr/bin/ambient-redirector", "rules"), StringComparison.Ordinal);
        Assert.Contains("nftables", Inside(root, "0", "/usr/sbin/nft", "--version"), StringComparison.Ordinal);
        var printed = YamlTree.Read(Inside(root, NodeUser, "/usr/bin/ambientctl", "install", "--print"));
        var checkedIn = YamlTree.Read(File.ReadAllText(Path.Combine(Programs.Checkout!, "daemonset.yaml")));
        Assert.Equal(checkedIn.Count, printed.Count);
        Assert.All(checkedIn.Zip(printed), pair => Assert.True(JsonNode.DeepEquals(pair.First, pair.Second)));
    }

    [Fact]
    public void A_runtime_loads_it_and_runs_it_as_nobody()
    {
        Machine.Offers("podman");
        var store = Path.Combine(_folder, "store");
        string[] podman = ["--root", Path.Combine(store, "root"), "--runroot", Path.Combine(store, "run"), "--storage-driver", "vfs"];
        Run("podman", [.. podman, "load", "--input", Archive]);
        string[] confined = ["run", "--rm", "--network", "none", "--cgroups", "disabled", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
        var said = Run("podman", [.. podman, .. confined, "--entrypoint", "/usr/bin/ambient-node", Chart.Defaults["image"].ToString(), "--help"]);
        Assert.Contains("--redirector", said, StringComparison.Ordinal);
    }

    private string Layer => Path.Combine(_folder, (string)Json("manifest.json").AsArray().Single()!["Layers"]!.AsArray().Single()!);

    private string Unpacked()
    {
        var root = Path.Combine(_folder, "root");
        Directory.CreateDirectory(root);
        Run("tar", "-C", root, "--no-same-owner", "-xf", Layer);
        return root;
    }

    // A root that cannot be written, /proc, and no capability.
    private static string Inside(string root, string user, params string[] command) => Run("unshare",
    [
        "--mount", "--pid", "--fork", "--", "sh", "-c", """mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -o remount,ro,bind "$0" && exec chroot "$0" "$@" """, root,
        .. Privileges(root, user), .. command,
    ]);

    // setpriv is not in the image: it is put in for the test alone, and its libraries are the C library's.
    private static string[] Privileges(string root, string user)
    {
        if (user == "0") return [];
        var own = Path.Combine(root, "setpriv");
        if (!File.Exists(own)) File.Copy(Machine.Find("setpriv")!, own);
        foreach (var library in (string[])["libcap-ng.so.0"])
        {
            var from = Directory.EnumerateFiles("/lib", library, SearchOption.AllDirectories).Concat(Directory.EnumerateFiles("/usr/lib", library, SearchOption.AllDirectories)).First();
            var to = Path.Combine(root, "lib", Path.GetFileName(Path.GetDirectoryName(from)!), library);
            if (!File.Exists(to)) File.Copy(from, to);
        }
        return ["/setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"];
    }

    private JsonNode Json(string path) => JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, path)))!;

    private static string Blob(string digest) => $"blobs/{digest.Replace(':', '/')}";

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error.Result}");
        return output;
    }
}
