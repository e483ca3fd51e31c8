using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl identity</c>: who the pods of a node are, and until when. No key is in any answer.</summary>
internal static class IdentityCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Make()
    {
        var socket = NodeSocket.One();
        var json = new Option<bool>("--json") { Description = "For machines" };
        var command = new Command("identity",
            "The SPIFFE IDs of a node's pods: issuer, serial number, validity, time of renewal; and the roots that peers are checked with. Never a key.\n"
            + "Exit status: 0 every pod that is in the mesh or on its way has a valid certificate, 1 one has not, 2 wrong usage or nobody to ask.")
        {
            socket, json,
        };
        command.SetAction(async (parsed, _) =>
        {
            var path = parsed.GetValue(socket)!;
            try
            {
                using var node = AdminClient.OverSocket(path);
                var answer = await node.GetJsonAsync("/identities");
                Console.Write(parsed.GetValue(json) ? answer.ToJsonString(Indented) + "\n" : Text(answer));
                return answer["missing"]!.AsArray().Count == 0 ? 0 : 1;
            }
            catch (Exception fault) when (NodeSocket.IsSilence(fault))
            {
                await Console.Error.WriteLineAsync($"ambientctl: {NodeSocket.Explain(path, fault)}");
                return CommandLine.BadUsage;
            }
        });
        return command;
    }

    /// <summary>The answer for people.</summary>
    internal static string Text(JsonNode answer)
    {
        var text = new StringBuilder();
        foreach (var identity in answer["identities"]!.AsArray())
        {
            text.AppendLine($"{identity!["identity"]}");
            text.AppendLine($"  pods:    {Joined(identity["pods"]!)}");
            text.AppendLine($"  issuer:  {identity["issuer"]}");
            text.AppendLine($"  serial:  {identity["serial"]}   generation {identity["generation"]}");
            text.AppendLine($"  valid:   {Time(identity["not_before"])} to {Time(identity["not_after"])}, renewed about {Time(identity["renews_at"])}");
        }
        foreach (var missing in answer["missing"]!.AsArray())
            text.AppendLine($"{missing!["identity"]}\n  pods:    {Joined(missing["pods"]!)}\n  no valid certificate: see 'ambientctl status' and the log of ambient-node");
        foreach (var root in answer["roots"]!.AsArray())
            text.AppendLine($"root: {root!["subject"]}, SHA-256 {root["sha256"]}, until {Time(root["not_after"])}");
        if (text.Length == 0) text.AppendLine("No pod of this node is in the mesh or on its way.");
        return text.ToString();
    }

    private static string Joined(JsonNode pods) => pods.AsArray().Count == 0 ? "none any more" : string.Join(", ", pods.AsArray().Select(pod => (string?)pod));

    private static string Time(JsonNode? time) =>
        time is null ? "an unknown time" : DateTimeOffset.Parse((string)time!, CultureInfo.InvariantCulture).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
