namespace Ambient.Native.Descriptors;

/// <summary>A system call failed where failure means a broken set-up (start, enrolment), not everyday traffic.</summary>
public sealed class SystemCallException(string call, Errno error) : IOException($"{call}: {error} ({(int)error})")
{
    /// <summary>The call's name as its man page has it.</summary>
    public string Call { get; } = call;

    /// <summary>What the kernel answered.</summary>
    public Errno Error { get; } = error;
}
