namespace Ambient.Cli.Deploy;

/// <summary>Something about manifests or the cluster is not as it has to be; the message says what, for a person.</summary>
internal sealed class DeployException(string message) : Exception(message);
