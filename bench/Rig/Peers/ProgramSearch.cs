namespace Ambient.Bench.Rig.Peers;

/// <summary>Programs from elsewhere, by the PATH.</summary>
internal static class ProgramSearch
{
    public static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)));
}
