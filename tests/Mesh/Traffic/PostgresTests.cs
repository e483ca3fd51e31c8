using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>PostgreSQL: each connection is a long talk that the client begins, and that turns into TLS on the way.</summary>
public sealed class PostgresTests(ShopMesh mesh) : SoftwareMeshTest(mesh)
{
    [Fact]
    public async Task Pgbench_runs_against_postgres_in_plaintext_and_with_TLS_of_its_own()
    {
        var lab = await MeshAsync("pgbench", "psql", "openssl");
        // Debian keeps the server's programs apart from the PATH, a folder for each version.
        var programs = Directory.Exists("/usr/lib/postgresql") ? Directory.EnumerateDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).LastOrDefault() : null;
        Assert.SkipUnless(programs is not null && File.Exists($"{programs}/bin/initdb"), "The server of PostgreSQL is not installed.");
        // It refuses to run as root, and as somebody who has no name.
        var entry = (await File.ReadAllLinesAsync("/etc/passwd")).FirstOrDefault(line => line.StartsWith("postgres:", StringComparison.Ordinal));
        Assert.SkipUnless(entry is not null && Users.OfThisNamespace().NodeProxy is 65532, "There is no user here that postgres could run as.");
        var user = int.Parse(entry!.Split(':')[2], CultureInfo.InvariantCulture);
        var first = Path.Combine(Folder, "jobs-23");
        Directory.CreateDirectory(first);
        await Rights.GiveAsync(first, user);
        await Tool.MustAsync(Command.Of($"{programs}/bin/initdb", "-D", first, "-U", "app", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C").WithoutPrivilege(user));
        await Tool.MustAsync(Command.Of("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=postgres",
            "-keyout", $"{first}/server.key", "-out", $"{first}/server.crt"));
        await File.AppendAllTextAsync($"{first}/pg_hba.conf", "host all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n");
        await File.AppendAllTextAsync($"{first}/postgresql.conf", $"listen_addresses = '*'\nport = {Plans.AppPort}\nunix_socket_directories = ''\nfsync = off\nssl = on\nmax_connections = 50\nshared_buffers = 16MB\n");
        await Tool.MustAsync(Command.Of("cp", "-a", first, Path.Combine(Folder, "cache-12")));
        foreach (var pod in (string[])["jobs-23", "cache-12"])
        {
            Rights.Set(Path.Combine(Folder, pod, "server.key"), "0600");
            await Rights.GiveAsync(Path.Combine(Folder, pod), user);
            await Rights.GiveAsync(Path.Combine(Folder, pod, "server.key"), user);
        }

        var addresses = await ServeAsync(lab, "postgres", pod => Command.Of($"{programs}/bin/postgres", "-D", Path.Combine(Folder, pod.Name)).WithoutPrivilege(user));

        foreach (var address in addresses)
        {
            string Url(string tls) => $"postgresql://app@{Host(address)}:80/postgres?sslmode={tls}";
            await RunAsync("pgbench", "-i", "-q", "-I", "dtg", "-s", "1", Url("disable"));
            foreach (var tls in (string[])["disable", "require"])
            {
                // Clients that stay, then one that connects anew for each transaction.
                foreach (var kind in (string[][])[["-c", "8", "-j", "2", "-t", "25"], ["-c", "2", "-t", "15", "-C"]])
                    Assert.Contains("number of failed transactions: 0 ", await RunAsync("pgbench", ["-n", .. kind, Url(tls)]), StringComparison.Ordinal);
                // Eight megabytes as one answer.
                var rows = await RunAsync("psql", Url(tls), "-qAtc", "select repeat(md5(g::text), 32) from generate_series(1, 8000) g");
                var sum = await RunAsync("psql", Url(tls), "-qAtc", "select md5(string_agg(repeat(md5(g::text), 32), e'\\n' order by g) || e'\\n') from generate_series(1, 8000) g");
                Assert.Equal(sum.Trim(), Convert.ToHexStringLower(MD5.HashData(Encoding.ASCII.GetBytes(rows))));
                Assert.Equal(tls == "require" ? "t" : "f", (await RunAsync("psql", Url(tls), "-qAtc", "select ssl from pg_stat_ssl where pid = pg_backend_pid()")).Trim());
            }
        }
    }
}
