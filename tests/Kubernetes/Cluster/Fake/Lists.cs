using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>Lists, whole or in pages, and watches with bookmarks.</summary>
internal sealed class Lists(Storage storage, FakeFaults faults, TimeProvider time)
{
    internal async Task ListAsync(ResourceType type, string ns, ApiRequest request, HttpResponse response)
    {
        var selectors = new Selectors(request.Query("labelSelector"), request.Query("fieldSelector"));
        var limit = request.Number("limit") ?? 0;
        var (objects, revision) = storage.List(type);
        var after = ("", "");
        if (request.Query("continue") is { Length: > 0 } token)
        {
            (revision, after) = ReadToken(token);
            objects = storage.PageOf(type, revision);
        }

        var page = new List<StoredObject>();
        (string, string)? last = null;
        var hasMore = false;
        foreach (var (key, item) in objects)
        {
            if (Compare(key, after) <= 0 || (ns.Length > 0 && key.Namespace != ns) || !selectors.Select(item))
                continue;
            hasMore = limit > 0 && page.Count == limit;
            if (hasMore)
                break;
            page.Add(item);
            last = key;
        }
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture) };
        if (hasMore)
        {
            storage.KeepForPages(type, revision, objects);
            metadata["continue"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new[] { revision.ToString(CultureInfo.InvariantCulture), last!.Value.Item1, last.Value.Item2 })));
        }
        response.ContentType = "application/json";
        await response.WriteAsync($"{{\"kind\":\"{type.Kind}List\",\"apiVersion\":\"{type.ApiVersion}\",\"metadata\":{metadata.ToJsonString()},\"items\":[");
        for (var i = 0; i < page.Count; i++)
        {
            if (i > 0)
                await response.Body.WriteAsync(","u8.ToArray());
            await response.Body.WriteAsync(page[i].As(type));
        }
        await response.WriteAsync("]}");
    }

    internal async Task WatchAsync(ResourceType type, string ns, ApiRequest request, HttpResponse response, CancellationToken cancellation)
    {
        var selectors = new Selectors(request.Query("labelSelector"), request.Query("fieldSelector"));
        var bookmarks = request.Flag("allowWatchBookmarks");
        var seconds = request.Number("timeoutSeconds") is > 0 and var asked ? asked : 1800;
        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        using var place = faults.Enter(type);
        response.ContentType = "application/json";

        var version = request.Query("resourceVersion") ?? "";
        if (!long.TryParse(version.Length == 0 ? "0" : version, NumberStyles.None, CultureInfo.InvariantCulture, out var cursor))
            throw ApiFailure.BadRequest($"Invalid value: \"{version}\": strconv.ParseUint");
        if (cursor == 0)
        {
            var (objects, revision) = storage.List(type);
            foreach (var (key, item) in objects.Where(o => (ns.Length == 0 || o.Key.Namespace == ns) && selectors.Select(o.Value)))
                await WriteAsync(response, "ADDED", item.As(type), cancellation);
            cursor = revision;
        }
        else if (cursor > storage.Revision)
        {
            // The real server waits for that revision to come, and gives up.
            throw new ApiFailure(504, "Timeout", $"Too large resource version: {cursor}, current: {storage.Revision}");
        }
        await response.StartAsync(cancellation);
        await response.Body.FlushAsync(cancellation);
        var told = cursor;
        try
        {
            while (true)
            {
                place.ThrowIfExpired();
                var (changes, revision, more) = storage.ChangesAfter(cursor, type);
                foreach (var change in changes.Where(c => ns.Length == 0 || c.Namespace == ns))
                {
                    var (was, isIt) = (change.Before is { } before && selectors.Select(before), change.Kind != ChangeKind.Deleted && selectors.Select(change.Object));
                    if (was || isIt)
                    {
                        await WriteAsync(response, !was ? "ADDED" : isIt ? "MODIFIED" : "DELETED", change.Object.As(type), cancellation);
                        told = change.Revision;
                    }
                }
                cursor = revision;
                // A bookmark a period, and one at the end; none where there is nothing new to say.
                var period = Task.Delay(faults.BookmarkInterval, time, end.Token);
                var first = await Task.WhenAny(more, period, place.Disturbed);
                if (place.IsCut)
                {
                    response.HttpContext.Abort();
                    return;
                }
                if (first == period && bookmarks && told < cursor && !cancellation.IsCancellationRequested)
                {
                    await WriteAsync(response, "BOOKMARK", Bookmark(type, cursor), cancellation);
                    told = cursor;
                }
                if (end.IsCancellationRequested)
                    return;
            }
        }
        catch (ApiFailure e)
        {
            await WriteAsync(response, "ERROR", JsonSerializer.SerializeToUtf8Bytes(e.ToStatus()), cancellation);
        }
    }

    private static byte[] Bookmark(ResourceType type, long revision) => Encoding.UTF8.GetBytes(
        $"{{\"kind\":\"{type.Kind}\",\"apiVersion\":\"{type.ApiVersion}\",\"metadata\":{{\"resourceVersion\":\"{revision}\",\"creationTimestamp\":null}}}}");

    private static async Task WriteAsync(HttpResponse response, string kind, byte[] content, CancellationToken cancellation)
    {
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes($"{{\"type\":\"{kind}\",\"object\":"), cancellation);
        await response.Body.WriteAsync(content, cancellation);
        await response.Body.WriteAsync("}\n"u8.ToArray(), cancellation);
        await response.Body.FlushAsync(cancellation);
    }

    private static (long Revision, (string, string) After) ReadToken(string token)
    {
        try
        {
            var parts = JsonSerializer.Deserialize<string[]>(Convert.FromBase64String(token))!;
            return (long.Parse(parts[0], CultureInfo.InvariantCulture), (parts[1], parts[2]));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw ApiFailure.BadRequest($"continue key is not valid: {e.Message}");
        }
    }

    private static int Compare((string Namespace, string Name) a, (string, string) b) =>
        string.CompareOrdinal(a.Namespace, b.Item1) is not 0 and var order ? order : string.CompareOrdinal(a.Name, b.Item2);
}
