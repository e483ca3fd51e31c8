namespace Ambient.Cli.Lab;

/// <summary>Where the mesh's programs are: beside this one when installed, else where a checkout builds them.</summary>
internal static class Programs
{
    /// <summary>ambient-controller.</summary>
    public static string Controller => Find("Controller", "ambient-controller");

    /// <summary>ambient-redirector, of the chosen build.</summary>
    public static string Redirector => NodeBuild.Chosen.Redirector;

    /// <summary>ambient-node, of the chosen build.</summary>
    public static string NodeProxy => NodeBuild.Chosen.NodeProxy;

    /// <summary>ambient-cni, of the chosen build.</summary>
    public static string CniPlugin => Path.Combine(Path.GetDirectoryName(NodeBuild.Chosen.Redirector)!, "ambient-cni") is var beside && File.Exists(beside)
        ? beside : Find("Cni", "ambient-cni");

    /// <summary>ambientctl, for the demo's apps.</summary>
    public static string Cli => Find("Cli", "ambientctl");

    /// <summary>The checkout's root; null when installed.</summary>
    public static string? Checkout
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "ambient.sln"))) folder = folder.Parent;
            return folder?.FullName;
        }
    }

    /// <summary>A program as a build leaves it in its project's folder.</summary>
    /// <exception cref="LabException">It is not there.</exception>
    public static string Find(string project, string program)
    {
        // ROOT/<project>/bin/<configuration>/<framework>/ is the form of our own folder as well.
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Checkout is { } root
            ? Path.Combine(root, project, "bin", own.Parent!.Name, own.Name, program)
            : Path.Combine(own.FullName, program);
        return File.Exists(path) ? path : throw new LabException($"The program {program} is missing: {path}. Build it with ./ambient.sh build.");
    }
}
