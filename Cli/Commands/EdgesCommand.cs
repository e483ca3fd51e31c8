using System.CommandLine;
using System.Text.Json;
using Ambient.Cli.Edges;
using Ambient.Cli.Lab;
using Command = System.CommandLine.Command;

namespace Ambient.Cli.Commands;

/// <summary><c>ambientctl edges</c>: who speaks to whom, asked of one or several nodes.</summary>
internal static class EdgesCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public static Command Make()
    {
        var sockets = NodeSocket.Several();
        var json = new Option<bool>("--json") { Description = "For machines" };
        var watch = new Option<bool>("--watch") { Description = "Ask again every 2 s, until Ctrl-C" };
        var command = new Command("edges",
            "Who speaks to whom, which way, under which protection, how much; what passed beside TCP; and what was refused, by reason. Counted since each node's process started.\n"
            + "Exit status: 0 every node answered, 1 some did not, 2 wrong usage or none did.")
        {
            sockets, json, watch,
        };
        command.SetAction(async (parsed, _) =>
        {
            var paths = parsed.GetValue(sockets)!.Distinct().ToArray();
            if (!parsed.GetValue(watch)) return await ShowAsync(paths, parsed.GetValue(json));
            using var stop = new StopSignal();
            var status = 0;
            while (!stop.Token.IsCancellationRequested)
            {
                if (!Console.IsOutputRedirected) Console.Write("\u001b[H\u001b[2J");
                status = await ShowAsync(paths, parsed.GetValue(json));
                if (Console.IsOutputRedirected) Console.WriteLine();
                await Task.Delay(Pause, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
            return status;
        });
        return command;
    }

    private static async Task<int> ShowAsync(string[] paths, bool json)
    {
        var answers = await Task.WhenAll(paths.Select(AskAsync));
        var report = EdgeReport.Of(
            [.. answers.Where(answer => answer.Page is not null).Select(answer => (answer.Node, answer.Page!))],
            [.. answers.Where(answer => answer.Page is null).Select(answer => new SilentNode(answer.Socket, answer.Reason))]);
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, EdgeJson.Default.EdgeReport));
        else if (report.Silent.Count < paths.Length) Console.Write(EdgeTable.Text(report));
        foreach (var silent in report.Silent) await Console.Error.WriteLineAsync($"ambientctl: {silent.Reason}");
        return report.Silent.Count == 0 ? 0 : report.Silent.Count < paths.Length ? 1 : CommandLine.BadUsage;
    }

    private static async Task<(string Socket, string Node, MetricsPage? Page, string Reason)> AskAsync(string path)
    {
        try
        {
            using var node = AdminClient.OverSocket(path);
            var status = await node.GetJsonAsync("/status");
            return (path, (string)status["node"]!, await node.GetMetricsAsync(), "");
        }
        catch (Exception fault) when (NodeSocket.IsSilence(fault))
        {
            return (path, "", null, NodeSocket.Explain(path, fault));
        }
    }
}
