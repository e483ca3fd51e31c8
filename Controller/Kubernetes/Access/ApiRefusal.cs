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

    /// <summary>
    /// It may concern the object that was asked for alone: a quota, a schema, a webhook that refuses it (4xx) or does not answer (500).
    /// The others are of the caller or of the server: no identity (401), too much (408, 429), away (502 to 504).
    /// </summary>
    internal bool IsOfOneObject => status is HttpStatusCode.InternalServerError
        || ((int)status is >= 400 and < 500 && status is not (HttpStatusCode.Unauthorized or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests));
}
