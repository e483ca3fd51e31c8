using System.Net;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>The API server answered, and said no. The message is its own, cut to a length.</summary>
/// <param name="retryAfter">How long it asks to be left alone; null if it does not.</param>
internal sealed class ApiRefusal(HttpStatusCode status, string message, TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>Longest message that is kept, in characters.</summary>
    internal const int MaxMessage = 512;

    internal HttpStatusCode Status => status;

    internal TimeSpan? RetryAfter => retryAfter;
}
