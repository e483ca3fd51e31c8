using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Demo;

/// <summary>The demo without root: in a user namespace of an ordinary user, with one uid only or with further ones.</summary>
public sealed class OrdinaryUserTests
{
    private const string User = "12345", Name = "mesh-tester";

    [Fact]
    public async Task A_user_with_a_single_uid_runs_the_demo()
    {
        await OffersAsync();
        await RunAsync("true");
    }

    [Fact]
    public async Task A_user_with_further_uids_runs_the_demo_and_NodeProxy_has_one_of_its_own()
    {
        await OffersAsync("newuidmap", "newgidmap");
        // In a mount namespace of its own: the machine's files stay as they are.
        await RunAsync($"""
            cp /etc/passwd "$work/passwd"; echo "{Name}:x:{User}:{User}::/nonexistent:/bin/sh" >> "$work/passwd"
            echo "{Name}:200000:65536" > "$work/sub"
            touch /etc/subuid /etc/subgid
            mount --bind "$work/passwd" /etc/passwd; mount --bind "$work/sub" /etc/subuid; mount --bind "$work/sub" /etc/subgid
            """);
    }

    [Fact]
    public async Task Where_a_package_is_missing_the_one_command_that_installs_it_is_named()
    {
        await OffersAsync();
        // In a mount namespace of its own, nft's folder holds everything but nft.
        var result = await AsUserAsync("""
            folder=$(dirname "$(readlink -f "$(command -v nft)")")
            mkdir "$work/all" "$work/some"; mount --bind "$folder" "$work/all"
            for each in "$work"/all/*; do ln -s "$each" "$work/some/"; done
            rm "$work/some/nft"; mount --bind "$work/some" "$folder"
            """, "demo --for 1s --json");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("sudo apt-get install -y --no-install-recommends nftables\n", result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Output);
    }

    private static async Task RunAsync(string preparation)
    {
        var before = await Traces.NowAsync();
        var result = await AsUserAsync(preparation, "demo --for 2s --json");
        Assert.True(result.ExitCode == 0, $"exit status {result.ExitCode}: {result.Error}{result.Output}");
        Assert.Contains("\"ok\": true", result.Output, StringComparison.Ordinal);
        await before.AssertNothingIsNewAsync();
    }

    private static async Task<ToolResult> AsUserAsync(string preparation, string arguments)
    {
        var work = Directory.CreateTempSubdirectory("user-").FullName;
        try
        {
            await Tool.MustAsync(Command.Of("chmod", "755", work));
            return await Tool.RunAsync(Command.Of("unshare", "--mount", "sh", "-ec", $"""
                work='{work}'
                {preparation}
                exec env HOME=/nonexistent setpriv --reuid {User} --regid {User} --clear-groups '{DemoProgram.Script}' {arguments}
                """), atMost: TimeSpan.FromSeconds(90));
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static async Task OffersAsync(params string[] programs)
    {
        Machine.Offers(["ip", "nft", "nsenter", "setpriv", "unshare", .. programs]);
        string[] user = ["--reuid", User, "--regid", User, "--clear-groups"];
        Assert.SkipUnless((await Tool.RunAsync(Command.Of("setpriv", [.. user, "true"]))).ExitCode == 0, "There is no other user in this user namespace.");
        Assert.SkipUnless((await Tool.RunAsync(Command.Of("setpriv", [.. user, "test", "-x", DemoProgram.Script]))).ExitCode == 0,
            $"Another user may not read this checkout: {Programs.Checkout}");
        var isolated = await Tool.RunAsync(Command.Of("setpriv", [.. user, "unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "true"]));
        Assert.SkipUnless(isolated.ExitCode == 0, $"This machine gives an ordinary user no namespaces: {isolated.Error.Trim()}");
    }
}
