using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ambient.Controller.Kubernetes.Access;
using k8s.Autorest;

namespace Ambient.Controller.Replicas;

/// <summary>
/// Single calls of the Kubernetes API: bounded in time, their failures as one kind of exception. What the server puts off for a moment is
/// tried again within that time.
/// </summary>
internal static class ClusterCall
{
    /// <summary>How long one call may take. An API server answers in milliseconds, or is in trouble.</summary>
    internal static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(10);

    private const int LongestReason = 300;

    /// <summary>Makes a call.</summary>
    /// <param name="what">What it does, for messages: "read Secret x/y".</param>
    /// <param name="call">Made anew for each try.</param>
    /// <param name="repeats">Whether it is made again when the server asks for that. Not where the caller has a time of its own to keep.</param>
    /// <exception cref="ClusterException">It failed or took too long.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    internal static async Task<T> Async<T>(string what, Func<CancellationToken, Task<T>> call, CancellationToken cancellation, bool repeats = true)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(TimeLimit);
        var began = Stopwatch.GetTimestamp();
        try
        {
            for (var made = 1; ; made++)
            {
                TimeSpan pause;
                try
                {
                    return await call(limited.Token);
                }
                catch (HttpOperationException e) when (AskedPause.Before(e.Response.StatusCode, RetryAfterOf(e), made) is { } asked
                    && repeats && Stopwatch.GetElapsedTime(began) + asked < TimeLimit)
                {
                    pause = asked;
                }
                await Task.Delay(pause, limited.Token);
            }
        }
        catch (HttpOperationException e)
        {
            throw new ClusterException($"cannot {what}: {(int)e.Response.StatusCode} {ReasonOf(e)}", e.Response.StatusCode, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw new ClusterException($"cannot {what}: {(e.InnerException ?? e).Message}", null, e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new ClusterException($"cannot {what}: no answer in {TimeLimit.TotalSeconds} s", null, e);
        }
    }

    /// <summary>Makes a call whose object may be missing.</summary>
    /// <returns>Null for 404.</returns>
    /// <inheritdoc cref="Async"/>
    internal static async Task<T?> OrNullAsync<T>(string what, Func<CancellationToken, Task<T>> call, CancellationToken cancellation, bool repeats = true)
        where T : class
    {
        try
        {
            return await Async(what, call, cancellation, repeats);
        }
        catch (ClusterException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private static TimeSpan? RetryAfterOf(HttpOperationException e) =>
        e.Response.Headers.TryGetValue("Retry-After", out var values) && RetryConditionHeaderValue.TryParse(values.FirstOrDefault(), out var value) ? value.Delta : null;

    // The body is a Status object; what is none may be anything, and is not repeated.
    private static string ReasonOf(HttpOperationException e)
    {
        try
        {
            using var status = JsonDocument.Parse(e.Response.Content ?? "");
            var text = status.RootElement.TryGetProperty("message", out var message) ? message.GetString() ?? "" : "";
            return text.Length > LongestReason ? text[..LongestReason] : text;
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException)
        {
            return e.Response.StatusCode.ToString();
        }
    }
}
