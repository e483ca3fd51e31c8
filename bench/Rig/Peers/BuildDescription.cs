using System.Text;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>What ours is, in full: how the mesh is set up, how each process of a node was started, and what kind of build it is.</summary>
internal static class BuildDescription
{
    public static string Of(Cli.Lab.Lab lab, IReadOnlyList<LabNode> nodes)
    {
        var text = new StringBuilder();
        foreach (var node in nodes)
        {
            text.Append(node.Name).Append(": ").AppendLine(KindOf(node.Program));
            // The lab notes the command line with which it starts a process.
            foreach (var process in (string[])[node.NodeProxy.Name, node.Redirector.Name])
                text.AppendLine(lab.Log.Of(process).LastOrDefault(line => line.StartsWith("[started: ", StringComparison.Ordinal)) ?? process);
        }
        foreach (var name in Settings) text.Append(name).Append('=').AppendLine(Environment.GetEnvironmentVariable(name) ?? "(not set)");
        foreach (var file in new[] { "mesh.yaml", "namespaces.yaml", "services.yaml" })
        {
            var path = Path.Combine(lab.Mesh.FolderPath, file);
            if (File.Exists(path)) text.AppendLine().Append("# ").AppendLine(file).Append(File.ReadAllText(path));
        }
        return text.ToString();
    }

    // A managed build is a small host beside its assembly; Native AOT is one program.
    private static string KindOf(string program) =>
        !File.Exists(program) ? "gone since" : File.Exists(program + ".dll") ? "managed build (JIT)" : IsScript(program) ? "started by a script" : "Native AOT";

    private static bool IsScript(string program)
    {
        using var file = File.OpenRead(program);
        return file.ReadByte() == '#' && file.ReadByte() == '!';
    }

    // What a process of .NET takes from its environment and that changes its speed or memory.
    private static readonly string[] Settings =
    [
        "DOTNET_TieredPGO", "DOTNET_TieredCompilation", "DOTNET_ReadyToRun", "DOTNET_gcServer", "DOTNET_gcConcurrent", "DOTNET_GCConserveMemory", "DOTNET_GCHeapHardLimit",
    ];
}
