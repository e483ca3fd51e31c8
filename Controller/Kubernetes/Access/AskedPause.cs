using System.Net;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>
/// How long a server that puts a call off is left alone: what it asks by Retry-After (RFC 9110, section 10.2.3), and up to half as much
/// again, so that those whom it put off together do not come back together. The API server puts off what is too much for it by 429, and
/// by 503 while it starts or ends; both before it did anything.
/// </summary>
internal static class AskedPause
{
    /// <summary>How often a call is made, the first time included.</summary>
    internal const int Calls = 3;

    /// <summary>The longest that one who waits for a call is made to wait before it is made again.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    /// <param name="asked">What Retry-After says; null if there is none.</param>
    /// <returns>Null where nothing is asked for.</returns>
    internal static TimeSpan? Of(HttpStatusCode status, TimeSpan? asked) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && asked is { } pause && pause >= TimeSpan.Zero
            ? pause * (1 + (Random.Shared.NextDouble() / 2))
            : null;

    /// <summary>The same for who has a pause of his own: no shorter than that, and not without end.</summary>
    internal static TimeSpan Within(HttpStatusCode status, TimeSpan? asked, TimeSpan least, TimeSpan most) =>
        Of(status, asked) is not { } pause || pause < least ? least : pause < most ? pause : most;

    /// <param name="made">How often the call was made.</param>
    /// <returns>What to wait before it is made again; null if it is not to be.</returns>
    internal static TimeSpan? Before(HttpStatusCode status, TimeSpan? asked, int made) => made < Calls && asked <= Longest ? Of(status, asked) : null;
}
