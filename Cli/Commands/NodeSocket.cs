using System.CommandLine;
using System.Net.Sockets;

namespace Ambient.Cli.Commands;

/// <summary>A node's admin socket: where it is, and what to do when nobody answers there.</summary>
internal static class NodeSocket
{
    /// <summary>Where it is if nobody says otherwise.</summary>
    public const string DefaultPath = "/run/ambient/node.sock";

    private static string Preset => Environment.GetEnvironmentVariable("AMBIENT_ADMIN_SOCKET") ?? DefaultPath;

    /// <summary>The option that names one.</summary>
    public static Option<string> One() => new("--socket")
    {
        Description = $"The node's admin socket (AMBIENT_ADMIN_SOCKET, else {DefaultPath})",
        DefaultValueFactory = _ => Preset,
    };

    /// <summary>The option that names several.</summary>
    public static Option<string[]> Several() => new("--socket")
    {
        Description = $"A node's admin socket; may be given for several nodes (AMBIENT_ADMIN_SOCKET, else {DefaultPath})",
        DefaultValueFactory = _ => [Preset],
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>Whether a fault means that nobody answered, which is no bug.</summary>
    public static bool IsSilence(Exception fault) => fault is HttpRequestException or TaskCanceledException or IOException;

    /// <summary>Why nobody answered, and what to do about it.</summary>
    /// <param name="path">The socket.</param>
    public static string Explain(string path, Exception fault)
    {
        var error = ((fault as SocketException) ?? (fault.InnerException as SocketException) ?? (fault.InnerException?.InnerException as SocketException))?.SocketErrorCode;
        if (fault is TaskCanceledException) return $"{path}: no answer within 5 s. Look at ambient-node's log; it may be overloaded or stopped.";
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path)))) return $"{path}: there is no such folder. Start ambient-node with --admin-socket {path}, or name its socket with --socket PATH.";
        return error switch
        {
            SocketError.AccessDenied => $"{path}: this user may not open it. Run ambientctl as ambient-node's own user or as root (sudo).",
            SocketError.ConnectionRefused => $"{path}: the socket is there, but nobody listens. ambient-node has ended: start it again.",
            _ when File.Exists(path) => $"{path}: {fault.InnerException?.Message ?? fault.Message}. Is this the admin socket of ambient-node?",
            _ => $"{path}: there is no such socket. Is ambient-node running on this machine, with --admin-socket {path}? Name another one with --socket PATH.",
        };
    }
}
