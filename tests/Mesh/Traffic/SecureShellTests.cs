using System.Security.Cryptography;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>SSH: both sides speak first, and one connection carries a terminal, files and forwarded connections.</summary>
public sealed class SecureShellTests(ShopMesh mesh) : SoftwareMeshTest(mesh)
{
    [Fact]
    public async Task Ssh_runs_commands_and_copies_files_both_ways()
    {
        var lab = await MeshAsync("sshd", "ssh", "scp", "ssh-keygen");
        // user_namespaces(7): where an ordinary user has mapped only itself, nobody may set groups.
        Assert.SkipWhen((await File.ReadAllTextAsync("/proc/self/setgroups")).Trim() == "deny",
            "sshd changes its groups, which a user namespace with a single uid forbids: install uidmap and give this user further uids (/etc/subuid).");
        foreach (var key in (string[])["host", "user"]) await Tool.MustAsync(Command.Of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(Folder, key)));
        Directory.CreateDirectory("/run/sshd");   // where it locks up the process that nobody trusts yet
        var config = Path.Combine(Folder, "sshd_config");
        await File.WriteAllTextAsync(config, $"""
            Port {Plans.AppPort}
            HostKey {Folder}/host
            AuthorizedKeysFile {Folder}/user.pub
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            PidFile none
            Subsystem sftp internal-sftp
            """);
        var file = RandomNumberGenerator.GetBytes(20_000_000);
        var sent = Path.Combine(Folder, "sent");
        await File.WriteAllBytesAsync(sent, file);
        // It starts itself again for each connection, and wants to be called by its whole path for that.
        var addresses = await ServeAsync(lab, "sshd", _ => Command.Of(Machine.Find("sshd")!, "-D", "-e", "-f", config));

        string[] options = ["-F", "none", "-i", Path.Combine(Folder, "user"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"];
        foreach (var address in addresses)
        {
            Assert.Equal("it works\n", await RunAsync("ssh", [.. options, "-p", "80", $"root@{address}", "echo it works"]));
            // A command that fails says so, and one that only reads learns of the end of what it reads.
            var failed = await Tool.RunAsync(Command.Of("ssh", [.. options, "-p", "80", $"root@{address}", "exit 7"]).Inside(ClientNetwork));
            Assert.Equal(7, failed.ExitCode);
            Assert.Equal("3", (await Tool.MustAsync(Command.Of("ssh", [.. options, "-p", "80", $"root@{address}", "wc -c"]).Inside(ClientNetwork), input: "abc")).Trim());

            var (there, back) = (Path.Combine(Folder, "there"), Path.Combine(Folder, "back"));
            await RunAsync("scp", [.. options, "-P", "80", sent, $"root@{Host(address)}:{there}"]);
            await RunAsync("scp", [.. options, "-P", "80", $"root@{Host(address)}:{there}", back]);
            Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(back)));
            File.Delete(there);
            File.Delete(back);
        }
    }
}
