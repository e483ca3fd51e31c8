namespace Ambient.Cli.Lab;

/// <summary>The lab could not be built or did not reach a state in time. The message says what, and what the processes said.</summary>
internal sealed class LabException(string message, Exception? cause = null) : Exception(message, cause);
