namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>The API server refused what a test wanted to do.</summary>
/// <param name="code">The status code.</param>
public sealed class ApiRefusedException(int code, string message) : Exception(message)
{
    public int Code => code;
}
