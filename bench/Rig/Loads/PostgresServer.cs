using System.Globalization;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>Debian's PostgreSQL, run in a pod as the user that its package makes: it refuses to run as root, and as somebody without a name.</summary>
internal static class PostgresServer
{
    public const int Port = 5432;

    /// <summary>Why it cannot run here; null if it can.</summary>
    public static string? WhyNot =>
        Programs is not { } programs || !File.Exists($"{programs}/initdb") ? "the server of PostgreSQL is not installed"
        : User is null || Users.OfThisNamespace().NodeProxy is not 65532 ? "there is no user here that PostgreSQL could run as"
        : null;

    // Debian keeps the server's programs apart from the PATH, a folder for each version.
    private static string? Programs => Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).LastOrDefault() is { } newest ? $"{newest}/bin" : null
        : null;

    private static int? User => File.ReadLines("/etc/passwd").FirstOrDefault(line => line.StartsWith("postgres:", StringComparison.Ordinal)) is { } entry
        ? int.Parse(entry.Split(':')[2], CultureInfo.InvariantCulture)
        : null;

    /// <summary>Makes a data folder and starts the server on it. What lies in memory only is enough: no fsync.</summary>
    public static async Task<LabProcess> StartAsync(Cli.Lab.Lab lab, string folder, string network)
    {
        var (programs, user) = (Programs!, User!.Value);
        Rights.Set(folder, "0755");
        var data = Path.Combine(folder, $"postgres-{network}");
        Directory.CreateDirectory(data);
        await Rights.GiveAsync(data, user);
        await Tool.MustAsync(Command.Of($"{programs}/initdb", "-D", data, "-U", "app", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C").WithoutPrivilege(user));
        await File.AppendAllTextAsync($"{data}/pg_hba.conf", "host all all 0.0.0.0/0 trust\n");
        await File.AppendAllTextAsync($"{data}/postgresql.conf",
            $"listen_addresses = '*'\nport = {Port}\nunix_socket_directories = ''\nfsync = off\nsynchronous_commit = off\nautovacuum = off\nmax_connections = 50\nshared_buffers = 64MB\n");
        var server = await Listening.StartAsync(lab, "postgres", Command.Of($"{programs}/postgres", "-D", data).WithoutPrivilege(user), network, Port);
        await Tool.MustAsync(Command.Of("pgbench", "-i", "-q", "-s", "1", $"postgresql://app@127.0.0.1:{Port}/postgres?sslmode=disable").Inside(network));
        return server;
    }
}
