namespace Ambient.Native.Processes;

/// <summary>How a child process ended.</summary>
/// <param name="ExitCode">Its exit status; 128 + n after signal n.</param>
/// <param name="IsTimedOut">It took too long and was killed.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ChildResult(int ExitCode, bool IsTimedOut, string Output, string Error)
{
    /// <summary>Ended by itself with status 0.</summary>
    public bool IsOk => ExitCode == 0 && !IsTimedOut;
}
