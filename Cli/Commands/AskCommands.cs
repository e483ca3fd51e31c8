using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl status | config</c>: asks a node's proxy over its Unix socket, or the controller over its admin pages.</summary>
internal static class AskCommands
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Status()
    {
        var (socket, controller, json) = Options();
        var command = new Command("status", "Whether a node serves, what it holds, and for how long; or how all nodes and pods stand, asked of the controller.") { socket, controller, json };
        command.SetAction((parsed, _) => AskAsync(async () =>
        {
            if (parsed.GetValue(controller) is { } address)
            {
                using var client = AdminClient.Over(new Uri(address));
                var (nodes, workloads) = (await client.GetJsonAsync("/v1/nodes"), await client.GetJsonAsync("/v1/workloads"));
                if (parsed.GetValue(json)) Print(new JsonObject { ["nodes"] = nodes["nodes"]!.DeepClone(), ["workloads"] = workloads["workloads"]!.DeepClone() });
                else TellController(nodes, workloads);
                return nodes["nodes"]!.AsArray().All(node => (bool?)node!["connected"] == true) ? 0 : 1;
            }

            using var node = AdminClient.OverSocket(parsed.GetValue(socket)!);
            var status = await node.GetJsonAsync("/status");
            if (parsed.GetValue(json)) Print(status);
            else TellNode(status);
            return (bool?)status["ready"] == true ? 0 : 1;
        }, parsed.GetValue(controller) ?? parsed.GetValue(socket)!));
        return command;
    }

    public static Command Config()
    {
        var (socket, _, json) = Options();
        var command = new Command("config", "The settings and the view that a node serves by, as JSON; no key and no token is in it.") { socket, json };
        command.SetAction((parsed, _) => AskAsync(async () =>
        {
            using var node = AdminClient.OverSocket(parsed.GetValue(socket)!);
            Print(await node.GetJsonAsync("/config"));
            return 0;
        }, parsed.GetValue(socket)!));
        return command;
    }

    private static (Option<string> Socket, Option<string?> Controller, Option<bool> Json) Options()
    {
        var socket = NodeSocket.One();
        var controller = new Option<string?>("--controller") { Description = "Ask the controller instead, such as http://127.0.0.1:15011" };
        controller.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !(Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
                result.AddError($"--controller takes a URL such as http://127.0.0.1:15011, not '{text}'");
        });
        return (socket, controller, new Option<bool>("--json") { Description = "For machines" });
    }

    private static async Task<int> AskAsync(Func<Task<int>> ask, string whom)
    {
        try
        {
            return await ask();
        }
        catch (Exception fault) when (NodeSocket.IsSilence(fault))
        {
            await Console.Error.WriteLineAsync("ambientctl: " + (whom.Contains("://", StringComparison.Ordinal)
                ? $"nobody answers at {whom} ({fault.InnerException?.Message ?? fault.Message}). Is ambient-controller running there, with --admin?"
                : NodeSocket.Explain(whom, fault)));
            return CommandLine.BadUsage;
        }
    }

    private static void Print(JsonNode node) => Console.WriteLine(node.ToJsonString(Indented));

    private static void TellNode(JsonNode status)
    {
        Console.WriteLine($"node {status["node"]}: {((bool?)status["ready"] == true ? "ready" : "not ready")} ({status["software"]})");
        foreach (var part in status["readiness"]!.AsArray())
        {
            if ((bool?)part!["is_ready"] != true) Console.WriteLine($"  {part["name"]}: {part["reason"]}");
        }

        var controller = status["controller"]!;
        Console.WriteLine((bool?)controller["connected"] == true ? "controller: connected" : $"controller: away: {controller["last_failure"]}");
        var view = status["view"]!;
        Console.WriteLine($"view: version {view["version"]}, {view["workloads"]} workloads, {view["services"]} services");
        Console.WriteLine($"pods captured: {status["pods_captured"]}   open connections: {status["open_connections"]}");
        var ends = status["certificates"]!.AsArray().Select(one => (Identity: $"{one!["identity"]}", End: DateTimeOffset.Parse((string)one["not_after"]!, CultureInfo.InvariantCulture))).ToList();
        foreach (var (identity, end) in ends) Console.WriteLine($"certificate: {identity} until {end:u}");
        // View and capture order have no end; what a pod proves itself with has.
        if (ends.Count > 0)
        {
            var first = ends.MinBy(one => one.End);
            Console.WriteLine($"without a controller: all goes on until {first.End:u} ({(first.End - TimeProvider.System.GetUtcNow()).TotalHours:0.0} h), when the certificate of {first.Identity} ends");
        }
    }

    private static void TellController(JsonNode nodes, JsonNode workloads)
    {
        foreach (var node in nodes["nodes"]!.AsArray())
            Console.WriteLine($"node {node!["name"]}: {((bool?)node["connected"] == true ? "connected" : "away")}, lag {node["lag"] ?? "unknown"}");
        foreach (var pod in workloads["workloads"]!.AsArray())
            Console.WriteLine($"pod {pod!["namespace"]}/{pod["name"]} on {pod["node"]}: {pod["state"]} {pod["phase"]} {pod["reason"]}".TrimEnd());
    }
}
