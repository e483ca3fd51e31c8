using System.Net;

namespace Ambient.Controller.Replicas;

/// <summary>The Kubernetes API could not be asked, or refused; the message says what was tried and why it failed, and holds no object's content.</summary>
/// <param name="status">The answer's HTTP status; null if there was no answer.</param>
internal sealed class ClusterException(string message, HttpStatusCode? status, Exception cause) : Exception(message, cause)
{
    internal HttpStatusCode? Status => status;

    /// <summary>Trying again later may help: the API is away, overloaded, or starting.</summary>
    internal bool IsPassing => status is null or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
}
