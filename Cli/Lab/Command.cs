using System.Collections.Immutable;

namespace Ambient.Cli.Lab;

/// <summary>A program with its arguments. It is started as it stands: no shell reads it.</summary>
internal sealed record Command(string Program, ImmutableArray<string> Arguments)
{
    /// <summary>A program, found by the PATH or named by its path.</summary>
    public static Command Of(string program, params ReadOnlySpan<string> arguments) => new(program, [.. arguments]);

    /// <summary>The same inside a named network namespace. nsenter(1) replaces itself by the program, so the process id is the program's.</summary>
    public Command Inside(string networkNamespace) =>
        new("nsenter", [$"--net={Topology.PathOf(networkNamespace)}", "--", Program, .. Arguments]);

    /// <summary>The same in a session of its own, so that a Ctrl-C at the terminal reaches only who started it. setsid(1) replaces itself too.</summary>
    public Command InOwnSession() => new("setsid", [Program, .. Arguments]);

    /// <summary>The same without any capability and, where there is one, as another user. setpriv(1) replaces itself too.</summary>
    /// <param name="user">User and group id; null stays the same user, which then is root by name only.</param>
    public Command WithoutPrivilege(int? user) => new("setpriv",
    [
        .. user is { } id ? [$"--reuid={id}", $"--regid={id}", "--clear-groups"] : ImmutableArray<string>.Empty,
        "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", Program, .. Arguments,
    ]);

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', [Program, .. Arguments]);
}
