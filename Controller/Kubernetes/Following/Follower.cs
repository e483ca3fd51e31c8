using System.Net;
using System.Text.Json;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Decoding;

namespace Ambient.Controller.Kubernetes.Following;

/// <summary>
/// Keeps up with all objects of one kind: lists them, watches from the list's revision on, and begins anew where the server has forgotten
/// that revision. Owned by the one task that runs it.
/// </summary>
/// <remarks>
/// <code>
///          +--------------------- 410, or an answer that makes no sense --------------------+
///          v                                                                                |
///   list, page by page --EndList--> watch from its revision --(server's time-out)--> watch from the last event's
///          |                                 |
///          +-- away, refused: wait <---------+ wait, and watch on from where it was
/// </code>
/// Source: the Kubernetes API concepts, "Efficient detection of changes", "Retrieving large results sets in chunks", "Watch bookmarks".
/// </remarks>
internal sealed class Follower(FollowedKind kind, string version, ApiConnection connection, IFollowing following, FollowTally tally, Reachability reachability,
    FollowerTimes times, TimeProvider time, Random random, ILogger logger)
{
    /// <summary>Objects of a page.</summary>
    internal const int PageSize = 500;

    private readonly string _path = kind.PathOf(version);
    private readonly ObjectDecoder _decoder = new(kind.ApiVersionOf(version), kind.Kind, kind.Shape);
    private readonly Backoff _backoff = new(times.FirstRetry, times.LongestRetry, random);
    private string _revision = "";
    private bool _isForbidden;

    /// <summary>Follows until cancelled.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            var wait = TimeSpan.Zero;
            try
            {
                if (_revision.Length == 0)
                    await ListAsync(cancellation);
                wait = await WatchAsync(cancellation) ? TimeSpan.Zero : _backoff.Next();
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (ApiRefusal e)
            {
                wait = Refused(e);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or OperationCanceledException)
            {
                tally.CountFailure();
                reachability.Failed(kind.QualifiedName, Innermost(e));
                wait = _backoff.Next();
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                logger.ApiNonsense(kind.QualifiedName, e.Message);
                tally.CountRelist();
                _revision = "";
                wait = _backoff.Next();
            }
            if (wait > TimeSpan.Zero)
                await WaitAsync(wait, cancellation);
        }
    }

    private async Task ListAsync(CancellationToken cancellation)
    {
        var (continued, revision, isComplete) = ("", "", false);
        try
        {
            do
            {
                var query = $"{_path}?limit={PageSize}{(continued.Length > 0 ? $"&continue={Uri.EscapeDataString(continued)}" : "")}";
                using var response = await connection.SendAsync(HttpMethod.Get, query, null, cancellation);
                Answered();
                await using var input = new JsonInput(await response.Content.ReadAsStreamAsync(cancellation), times.ListIdle);
                var page = new ListReader(_decoder, following.Listed);
                await input.ReadAsync(page.ReadPiece, cancellation);
                if (!page.IsComplete || page.Version.Length == 0)
                    throw new IOException("the list broke off");
                tally.Heard();
                (continued, revision) = (page.Continue, page.Version);
            }
            while (continued.Length > 0);
            isComplete = true;
        }
        finally
        {
            if (!isComplete)
                following.DropList();
        }
        following.EndList();
        _revision = revision;
        _backoff.Reset();
    }

    /// <returns>Whether to watch on at once.</returns>
    private async Task<bool> WatchAsync(CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var seconds = (int)(times.WatchLength.TotalSeconds * (1 + random.NextDouble()));
        var query = $"{_path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={Math.Max(1, seconds)}&resourceVersion={Uri.EscapeDataString(_revision)}";
        var isUseful = false;
        bool HasHeld() => isUseful || time.GetElapsedTime(began) > times.FirstRetry * 5;
        (int Code, string Message)? error = null;

        using var response = await connection.SendAsync(HttpMethod.Get, query, null, cancellation);
        Answered();
        tally.CountWatch();
        await using var input = new JsonInput(await response.Content.ReadAsStreamAsync(cancellation), times.WatchIdle);
        var events = new WatchReader(_decoder, happened =>
        {
            if (happened.Kind == WatchEventKind.Error)
            {
                error = happened.Error;
                return false;
            }
            isUseful = true;
            tally.Heard();
            Take(happened);
            return true;
        });
        try
        {
            await input.ReadAsync(events.ReadPiece, cancellation);
        }
        finally
        {
            // However it ends: a watch that is reset by something on the way never ends in good order, and is no failure after the one before.
            if (HasHeld())
                _backoff.Reset();
        }
        if (error is { } told)
            throw new ApiRefusal((HttpStatusCode)told.Code, told.Message);
        // The end of a watch is nothing unusual, unless it comes at once again and again.
        return HasHeld();
    }

    private void Take(WatchEvent happened)
    {
        var item = happened.Object;
        if (happened.Kind != WatchEventKind.Bookmark)
            tally.CountEvent();
        switch (happened.Kind)
        {
            case WatchEventKind.Added:
            case WatchEventKind.Modified:
                following.Changed(item);
                break;
            case WatchEventKind.Deleted:
                following.Gone(item.Namespace, item.Name);
                break;
            case WatchEventKind.Bookmark:
            case WatchEventKind.Error:
                break;
        }
        if (item.Version.Length > 0)
            _revision = item.Version;
    }

    private TimeSpan Refused(ApiRefusal refusal)
    {
        if (refusal.Status != HttpStatusCode.Gone)
            tally.CountFailure();
        switch (refusal.Status)
        {
            // What happened since is known only by looking at everything again.
            case HttpStatusCode.Gone:
            // A store that was put back to an older state does not know our revision yet, and may take days to come there.
            case HttpStatusCode.GatewayTimeout when refusal.Message.Contains("resource version", StringComparison.OrdinalIgnoreCase):
                logger.RevisionForgotten(kind.QualifiedName, _revision);
                tally.CountRelist();
                _revision = "";
                return _backoff.Next();
            case HttpStatusCode.Forbidden:
                if (!_isForbidden)
                    logger.KindForbidden(kind.QualifiedName, refusal.Message);
                _isForbidden = true;
                following.Forbidden(refusal.Message);
                return times.ForbiddenRetry * (0.5 + (random.NextDouble() / 2));
            // The definition is there, and its kind is not served yet, or for a moment not: after the server's own start, say.
            case HttpStatusCode.NotFound:
                return _backoff.Next();
            default:
                reachability.Failed(kind.QualifiedName, refusal.Message);
                return AskedPause.Within(refusal.Status, refusal.RetryAfter, _backoff.Next(), times.LongestRetry * 6);
        }
    }

    private void Answered()
    {
        reachability.Answered();
        if (_isForbidden)
            following.Forbidden(null);
        _isForbidden = false;
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(wait, time, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition tells.
        }
    }

    private static string Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e.Message;
}
