using System.Globalization;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>Waits for what happens to a lab's certificates and roots by itself.</summary>
internal static class Renewal
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>Returns when every certificate of every node has been renewed since the call.</summary>
    internal static async Task OfAllAsync(Lab lab)
    {
        var before = await CertificatesAsync(lab);
        await lab.UntilAsync("all certificates are renewed", Patience, async () =>
        {
            var now = await CertificatesAsync(lab);
            var old = before.Keys.Where(key => now.GetValueOrDefault(key) <= before[key]).ToList();
            return old.Count == 0 ? null : string.Join(", ", old);
        });
    }

    /// <summary>Returns when every node has said last that it trusts so many roots.</summary>
    internal static Task TrustedAsync(Lab lab, int roots) => lab.UntilAsync($"{roots} roots are trusted everywhere", Patience, () => Task.FromResult(
        lab.Nodes.All(node => lab.Log.Of(node.NodeProxy.Name).LastOrDefault(line => line.Contains("The roots of the mesh changed"))?.Contains($"{roots} are trusted") == true) ? null : "not yet"));

    private static async Task<Dictionary<string, DateTimeOffset>> CertificatesAsync(Lab lab)
    {
        var all = new Dictionary<string, DateTimeOffset>();
        foreach (var node in lab.Nodes)
        {
            foreach (var certificate in (await node.Admin.GetJsonAsync("/status"))["certificates"]!.AsArray())
                all[$"{certificate!["identity"]} on {node.Name}"] = DateTimeOffset.Parse((string)certificate["not_before"]!, CultureInfo.InvariantCulture);
        }
        return all;
    }
}
