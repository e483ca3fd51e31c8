using System.Globalization;
using System.Text.Json.Nodes;

namespace Ambient.Cli.Check.Cluster;

/// <summary>Clocks. Certificates are valid from five minutes before they are made: a node further behind refuses them all.</summary>
internal static class ClockChecks
{
    private static readonly TimeSpan Tolerable = TimeSpan.FromSeconds(30), TooMuch = TimeSpan.FromMinutes(4);

    // kubelet renews its Lease every 10 s and stamps it with its own clock; one that is older than this is no word about a clock.
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(10), Silent = TimeSpan.FromSeconds(40);

    public static CheckResult Here(DateTimeOffset? server, DateTimeOffset here)
    {
        const string Name = "clock";
        // The header counts whole seconds.
        return server is not { } there ? CheckResult.CannotTell(Name, "the API server's answers bear no date", "Compare date -u here and there.")
            : (here - there).Duration() <= Tolerable ? CheckResult.Ok(Name, "this machine's and the API server's agree")
            : CheckResult.Warn(Name, $"this machine's and the API server's differ by {(here - there).Duration().TotalSeconds:0} s", "Let chrony or systemd-timesyncd keep both.");
    }

    /// <param name="leases">Of kube-node-lease: one a node, stamped by it.</param>
    public static CheckResult Nodes(IReadOnlyList<JsonObject> leases, DateTimeOffset server)
    {
        const string Name = "clocks of nodes";
        var ahead = new List<(string Node, TimeSpan By)>();
        var silent = new List<string>();
        foreach (var lease in leases)
        {
            var node = (string)lease["metadata"]!["name"]!;
            if (!DateTimeOffset.TryParse((string?)lease["spec"]?["renewTime"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var stamp)) continue;
            var behind = server - stamp;
            if (behind > Silent) silent.Add($"{node} ({behind.TotalSeconds:0} s)");
            else if (-behind > Tolerable) ahead.Add((node, -behind));
        }
        if (leases.Count == 0) return CheckResult.CannotTell(Name, "no node has a Lease in kube-node-lease", "Look at date -u on the nodes.");
        if (ahead.Count > 0)
        {
            var text = $"ahead of the API server's: {string.Join(", ", ahead.Take(5).Select(node => $"{node.Node} by {node.By.TotalSeconds:0} s"))}";
            const string Mend = "Let chrony or systemd-timesyncd keep the clocks of these nodes.";
            return ahead.Any(node => node.By > TooMuch) ? CheckResult.Fail(Name, text, Mend) : CheckResult.Warn(Name, text, Mend);
        }
        return silent.Count > 0
            ? CheckResult.Warn(Name, $"behind, or not heard of (renewed every {Renewal.TotalSeconds:0} s): {string.Join(", ", silent.Take(5))}", "If kubelet runs there: let chrony or systemd-timesyncd keep the clock.")
            : CheckResult.Ok(Name, $"{leases.Count} nodes agree with the API server to {Tolerable.TotalSeconds:0} s");
    }
}
