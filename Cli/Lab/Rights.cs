namespace Ambient.Cli.Lab;

/// <summary>Who may do what with the lab's files.</summary>
internal static class Rights
{
    /// <summary>Sets the permission bits of a file or folder.</summary>
    /// <param name="mode">Octal, as everybody reads them: "0400".</param>
    public static void Set(string path, string mode)
    {
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
    }

    /// <summary>Gives a file, or a folder with all that is in it, to a user. chown(1).</summary>
    /// <param name="user">User and group id; null if there is only one user.</param>
    public static Task GiveAsync(string path, int? user) =>
        user is { } id ? Tool.MustAsync(Command.Of("chown", "-R", $"{id}:{id}", path)) : Task.CompletedTask;
}
