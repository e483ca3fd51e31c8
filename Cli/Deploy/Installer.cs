using System.Net;
using System.Text.Json.Nodes;
using Ambient.Cli.Cluster;

namespace Ambient.Cli.Deploy;

/// <summary>Applies the manifest and waits until it runs. Doing it again with another version is the upgrade.</summary>
internal sealed class Installer(ClusterClient cluster, TimeProvider time, TextWriter output)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Has the server decide on every object and keep none.</summary>
    /// <returns>How many it refuses.</returns>
    public async Task<int> TryAsync(IReadOnlyList<JsonObject> objects, bool isForced)
    {
        var refused = 0;
        var isNamespaceThere = await cluster.FindAsync("/api/v1/namespaces/ambient-system") is not null;
        foreach (var item in objects)
        {
            if (item["metadata"]!["namespace"] is not null && !isNamespaceThere)
            {
                output.WriteLine($"{Name(item)}: not tried, since its namespace is not there yet");
                continue;
            }
            try
            {
                await cluster.ApplyAsync(item, isDryRun: true, isForced);
                output.WriteLine($"{Name(item)}: would be applied");
            }
            catch (ClusterException fault)
            {
                refused++;
                output.WriteLine($"{Name(item)}: REFUSED {fault.Message}");
            }
        }
        return refused;
    }

    /// <exception cref="DeployException">Somebody else has set a field otherwise.</exception>
    /// <exception cref="ClusterException">An object is refused; nothing is changed where its kind is not known.</exception>
    public async Task ApplyAsync(IReadOnlyList<JsonObject> objects, bool isForced)
    {
        // An older cluster, say: half a mesh is of no use there.
        foreach (var item in objects) _ = await cluster.PathAsync(item);
        foreach (var item in objects)
        {
            try
            {
                await cluster.ApplyAsync(item, isDryRun: false, isForced);
            }
            catch (ClusterException fault) when (fault.Status is HttpStatusCode.Conflict)
            {
                throw new DeployException($"{Name(item)}: {fault.Message}\nSomebody else manages what is named there. --force-conflicts takes it over; or set it by --set, so that both agree.");
            }
            output.WriteLine($"{Name(item)}: applied");
        }
        foreach (var definition in objects.Where(item => (string?)item["kind"] == "CustomResourceDefinition"))
            await UntilAsync($"{Name(definition)} is served", TimeSpan.FromSeconds(60), async () => IsServed(await cluster.GetAsync(await cluster.PathAsync(definition))) ? [] : ["it is not served yet"]);
    }

    /// <summary>Waits until controller and nodes run.</summary>
    /// <exception cref="DeployException">They do not within that time; the message says what they lack.</exception>
    public Task WaitAsync(IReadOnlyList<JsonObject> objects, TimeSpan atMost) => UntilAsync("everything runs", atMost,
        () => Rollout.LacksAsync(cluster, objects.Where(item => (string?)item["kind"] is "Deployment" or "DaemonSet")));

    private async Task UntilAsync(string what, TimeSpan atMost, Func<Task<IReadOnlyList<string>>> lacks)
    {
        var began = time.GetTimestamp();
        var told = "";
        while (await lacks() is { Count: > 0 } lacking)
        {
            if (time.GetElapsedTime(began) > atMost) throw new DeployException($"within {atMost.TotalSeconds:0} s it has not come about that {what}:\n{string.Join('\n', lacking)}");
            if (told != lacking[0]) output.WriteLine(told = lacking[0]);
            await Task.Delay(Pause, time);
        }
    }

    private static bool IsServed(JsonObject definition) =>
        (definition["status"]?["conditions"]?.AsArray() ?? []).Any(c => (string?)c!["type"] == "Established" && (string?)c["status"] == "True");

    private static string Name(JsonObject item) => $"{item["kind"]} {(item["metadata"]!["namespace"] is { } ns ? $"{ns}/" : "")}{item["metadata"]!["name"]}";
}
