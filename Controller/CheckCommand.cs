using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Controller.Sources;

namespace Ambient.Controller;

/// <summary>
/// <c>ambient-controller check PATH...</c>: reads files of YAML as the controller would, and ends. <c>ambientctl policy check</c> runs
/// it, since the reader is here and processes share no code (docs/decisions/0008-policy-never-weaker.md).
/// </summary>
internal static class CheckCommand
{
    private const int Faulty = 1;
    private const int BadUsage = 2;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static Command Make()
    {
        var paths = new Argument<string[]>("path") { Description = "Files of YAML, or folders of such files", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "For machines" };
        var command = new Command("check", "Reads files as the controller would and tells what it could not understand. Exit status: 0 nothing, 1 something, 2 a file is not there.")
        {
            paths, json,
        };
        command.SetAction(parsed => Run(parsed.GetValue(paths)!, parsed.GetValue(json)));
        return command;
    }

    private static int Run(string[] paths, bool asJson)
    {
        if (paths.FirstOrDefault(path => !File.Exists(path) && !Directory.Exists(path)) is { } missing)
        {
            Console.Error.WriteLine($"ambient-controller: there is no file or folder {missing}");
            return BadUsage;
        }

        ImmutableArray<CheckedFile> files;
        try
        {
            files = FileCheck.Check(paths);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"ambient-controller: {e.Message}");
            return BadUsage;
        }
        Console.Write(asJson ? ToJson(files) : ToText(files));
        return files.Any(file => file.Faults.Length > 0) ? Faulty : 0;
    }

    private static string ToText(ImmutableArray<CheckedFile> files)
    {
        var (faults, objects, policies) = (files.Sum(f => f.Faults.Length), files.Sum(f => f.Objects), files.Sum(f => f.Policies));
        return string.Concat(files.SelectMany(f => f.Faults).Select(fault => $"{fault}\n"))
            + $"{Count(files.Length, "file")}, {Count(objects, "object")}, of these {policies} AccessPolicy: {(faults == 0 ? "all understood" : Count(faults, "fault"))}\n";
    }

    private static string ToJson(ImmutableArray<CheckedFile> files) => new JsonObject
    {
        ["ok"] = files.All(f => f.Faults.IsEmpty),
        ["files"] = new JsonArray([.. files.Select(f => new JsonObject
        {
            ["file"] = f.File,
            ["objects"] = f.Objects,
            ["policies"] = f.Policies,
            ["faults"] = new JsonArray([.. f.Faults.Select(fault => new JsonObject { ["line"] = fault.Place.Line, ["message"] = fault.Message })]),
        })]),
    }.ToJsonString(Indented) + "\n";

    private static string Count(int n, string what) => n == 1 ? $"1 {what}" : $"{n} {what}s";
}
