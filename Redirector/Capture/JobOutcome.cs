namespace Ambient.Redirector.Capture;

/// <summary>What a job in a pod's namespace brought: a value, or a reason for a person; then it is tried again.</summary>
internal readonly record struct JobOutcome<T>(T? Value, string Reason) where T : class
{
    public bool IsOk => Value is not null;
}
