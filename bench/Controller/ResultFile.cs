using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ambient.Bench.Controller;

/// <summary>The file of a run, as the other scenarios write theirs: figures, what was asked, and what machine it was.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static void Write(string folder, ClusterSize size, IReadOnlyList<Figure> figures, DateTimeOffset began)
    {
        var file = new JsonObject
        {
            ["scenario"] = "controller",
            ["began"] = began.ToString("O"),
            ["cluster"] = new JsonObject { ["nodes"] = size.Nodes, ["pods"] = size.Pods, ["services"] = size.Slices, ["endpoint_addresses"] = size.Addresses },
            ["source"] = "generated in the controller's process",
            ["machine"] = new JsonObject
            {
                ["kernel"] = File.ReadAllText("/proc/version").Trim(),
                ["processor"] = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown",
                ["cores"] = Environment.ProcessorCount,
                ["load_average"] = File.ReadAllText("/proc/loadavg").Trim(),
            },
            ["figures"] = new JsonObject([.. figures.Select(figure => KeyValuePair.Create<string, JsonNode?>(figure.Name,
                new JsonObject { ["value"] = figure.Value, ["unit"] = figure.Unit, ["at_most"] = figure.AtMost }))]),
        };
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "controller.json"), file.ToJsonString(Indented) + "\n");
    }
}
