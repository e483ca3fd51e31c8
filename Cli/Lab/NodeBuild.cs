namespace Ambient.Cli.Lab;

/// <summary>A node's two programs, as one build makes them. A checkout has two builds; an installation has the one that lies beside this program.</summary>
/// <param name="NodeProxy">Path of ambient-node.</param>
/// <param name="Redirector">Path of ambient-redirector.</param>
internal sealed record NodeBuild(string NodeProxy, string Redirector)
{
    /// <summary>
    /// Says which build a checkout runs: <c>aot</c>, compiled ahead of time, which is what ships; <c>jit</c>, compiled at run time, which is
    /// what a plain build leaves in the projects' folders; or a folder that holds both programs. Not set: <c>aot</c> where this machine could
    /// make it.
    /// </summary>
    public const string Variable = "AMBIENT_NODE_BUILD";

    /// <summary>The build that runs.</summary>
    /// <exception cref="LabException">It is not there.</exception>
    public static NodeBuild Chosen
    {
        get
        {
            if (Programs.Checkout is not { } root) return Existing(AppContext.BaseDirectory, "install it beside ambientctl");
            // ambient.sh removes what is older than the sources.
            string ahead = Path.Combine(root, ".build", "aot");
            return Environment.GetEnvironmentVariable(Variable) switch
            {
                null or "" => File.Exists(Path.Combine(ahead, "ambient-node")) ? Existing(ahead, "./ambient.sh build aot") : AtRunTime(),
                "aot" => Existing(ahead, "./ambient.sh build aot"),
                "jit" => AtRunTime(),
                var folder => Existing(folder, $"{Variable} takes aot, jit, or a folder that holds both programs"),
            };
        }
    }

    private static NodeBuild AtRunTime() => new(Programs.Find("NodeProxy", "ambient-node"), Programs.Find("Redirector", "ambient-redirector"));

    private static NodeBuild Existing(string folder, string mend)
    {
        var build = new NodeBuild(Path.Combine(folder, "ambient-node"), Path.Combine(folder, "ambient-redirector"));
        return Array.Find([build.NodeProxy, build.Redirector], path => !File.Exists(path)) is { } missing
            ? throw new LabException($"The program {missing} is missing. Mend: {mend}.")
            : build;
    }
}
