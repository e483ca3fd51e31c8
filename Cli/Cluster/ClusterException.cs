using System.Net;

namespace Ambient.Cli.Cluster;

/// <summary>The API server cannot be reached, or refuses; the message says what was asked, for a person.</summary>
/// <param name="status">What it answered; null if it did not.</param>
internal sealed class ClusterException(string message, HttpStatusCode? status = null) : Exception(message)
{
    public HttpStatusCode? Status => status;
}
