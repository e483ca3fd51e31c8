using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Reports;

/// <summary>The file of a scenario: every round, every peer's full configuration and version, and what machine it was.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Write(RigOptions options, RoundBook book, Ground ground, IReadOnlyList<IPeer> peers, JsonObject versions, string? loads, string began)
    {
        var figures = new JsonObject();
        foreach (var figure in book.Scenario.Figures)
        {
            var byPeer = new JsonObject();
            foreach (var peer in book.Peers)
            {
                var rounds = book.Of(peer, figure.Name);
                byPeer[peer] = new JsonObject
                {
                    ["median"] = book.Median(peer, figure.Name),
                    ["min"] = rounds.Count > 0 ? rounds.Min() : null,
                    ["max"] = rounds.Count > 0 ? rounds.Max() : null,
                    ["rounds"] = new JsonArray([.. rounds.Select(value => JsonValue.Create(value))]),
                    ["ambient_to_peer"] = book.Ratio(peer, figure.Name),
                };
            }
            figures[figure.Name] = new JsonObject { ["unit"] = figure.Unit, ["reach"] = figure.Reach, ["against"] = figure.Against, ["at_most"] = figure.AtMost, ["higher_is_better"] = figure.IsRateHigherBetter, ["peers"] = byPeer };
        }

        var file = new JsonObject
        {
            ["scenario"] = book.Scenario.Name,
            ["what"] = book.Scenario.What,
            ["began"] = began,
            ["rounds"] = options.Rounds,
            ["seconds_a_load"] = options.Time.TotalSeconds,
            ["quick"] = options.IsQuick,
            ["seed"] = options.Seed,
            ["machine"] = new JsonObject
            {
                ["kernel"] = File.ReadAllText("/proc/version").Trim(),
                ["processor"] = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown",
                ["cores"] = Environment.ProcessorCount,
                ["congestion_control"] = ground.CongestionControl + "; of ambient inside a pod, reno",
                ["load_average"] = File.ReadAllText("/proc/loadavg").Trim(),
            },
            ["loads_agree"] = loads,
            ["figures"] = figures,
            ["versions"] = versions.DeepClone(),
            ["configurations"] = new JsonObject([.. peers.Select(peer => KeyValuePair.Create<string, JsonNode?>(peer.Name, peer.Configuration))]),
        };
        Directory.CreateDirectory(options.Results);
        File.WriteAllText(Path.Combine(options.Results, $"{book.Scenario.Name}.json"), file.ToJsonString(Indented) + "\n");
    }
}
