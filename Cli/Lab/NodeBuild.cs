namespace Ambient.Cli.Lab;

/// <summary>A node's two programs, as one build makes them.</summary>
/// <param name="Name"><c>aot</c> or <c>jit</c>, or the name of the folder that holds both.</param>
/// <param name="NodeProxy">Path of ambient-node.</param>
/// <param name="Redirector">Path of ambient-redirector.</param>
internal sealed record NodeBuild(string Name, string NodeProxy, string Redirector)
{
    /// <summary>
    /// Which build a checkout runs: <c>aot</c>, <c>jit</c>, or the path of a folder that holds both programs. Not set: what ships, which is
    /// <c>aot</c> where this machine could make it.
    /// </summary>
    public const string Variable = "AMBIENT_NODE_BUILD";

    /// <summary>Compiled ahead of time: what ships.</summary>
    public const string Aot = "aot";

    /// <summary>Compiled at run time: what a build leaves in the projects' folders.</summary>
    public const string Jit = "jit";

    /// <summary>The build that runs wherever nobody asked for another one.</summary>
    /// <exception cref="LabException">It is not there.</exception>
    public static NodeBuild Chosen => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } asked ? Of(asked) : HasAot ? Of(Aot) : Of(Jit);

    /// <summary>Whether the one compiled ahead of time is there. One that is older than the sources never is: ambient.sh removes it.</summary>
    public static bool HasAot => Programs.Checkout is { } root && File.Exists(InFolder(Aot, AotFolder(root)).NodeProxy);

    /// <summary>A build by its name or folder.</summary>
    /// <exception cref="LabException">It is not there.</exception>
    public static NodeBuild Of(string asked)
    {
        if (Programs.Checkout is not { } root) return InFolder("installed", AppContext.BaseDirectory).Existing("install it beside ambientctl");
        return asked switch
        {
            Aot => InFolder(Aot, AotFolder(root)).Existing("./ambient.sh build aot"),
            Jit => new(Jit, Programs.Find("NodeProxy", "ambient-node"), Programs.Find("Redirector", "ambient-redirector")),
            _ => InFolder(Path.GetFileName(Path.TrimEndingDirectorySeparator(asked)), asked).Existing($"{Variable} takes {Aot}, {Jit}, or a folder with both programs"),
        };
    }

    private static string AotFolder(string root) => Path.Combine(root, ".build", "aot");

    private static NodeBuild InFolder(string name, string folder) => new(name, Path.Combine(folder, "ambient-node"), Path.Combine(folder, "ambient-redirector"));

    private NodeBuild Existing(string mend) => Array.Find([NodeProxy, Redirector], path => !File.Exists(path)) is { } missing
        ? throw new LabException($"The program {Path.GetFileName(missing)} is missing: {missing}. Mend: {mend}.")
        : this;
}
