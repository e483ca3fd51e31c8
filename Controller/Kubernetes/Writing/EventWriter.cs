using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Ambient.Controller.Kubernetes.Access;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Tells of troubles by Events (events.k8s.io/v1), each once, and no more in a time than
/// <see cref="Burst"/> and <see cref="Interval"/> allow. What is held back is told if it still is so.
/// </summary>
/// <param name="replica">Who says so.</param>
internal sealed class EventWriter(ApiWriter writer, string replica, TimeProvider time)
{
    /// <summary>Most Events at once.</summary>
    internal const int Burst = 25;

    /// <summary>After them one in so long.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // events.k8s.io/v1: note is at most 1 kB.
    private const int MaxNoteBytes = 1024;

    private readonly HashSet<(EventSubject Subject, string Word, string Key)> _told = [];
    private double _credit = Burst;
    private long _creditAt = time.GetTimestamp();

    /// <summary>Tells what was not told yet; forgets what is over, so that it is told when it comes again.</summary>
    /// <inheritdoc cref="ConditionWriter.WriteAsync(CancellationToken)"/>
    internal async Task WriteAsync(IReadOnlyCollection<Trouble> troubles, CancellationToken cancellation)
    {
        _told.IntersectWith(troubles.Select(KeyOf));
        _credit = Math.Min(Burst, _credit + (time.GetElapsedTime(_creditAt) / Interval));
        _creditAt = time.GetTimestamp();
        foreach (var trouble in troubles.Where(t => !_told.Contains(KeyOf(t))))
        {
            if (_credit < 1)
                return;
            _credit--;
            try
            {
                await writer.CreateAsync($"/apis/events.k8s.io/v1/namespaces/{trouble.Subject.Place}/events", EventOf(trouble), cancellation);
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound || (e.Status == HttpStatusCode.Forbidden && e.Message.Contains("terminated", StringComparison.Ordinal)))
            {
                // Another replica told it, or the namespace is gone or going: a namespace that ends takes no Events.
            }
            _told.Add(KeyOf(trouble));
        }
    }

    private JsonObject EventOf(Trouble trouble) => new()
    {
        ["apiVersion"] = "events.k8s.io/v1",
        ["kind"] = "Event",
        ["metadata"] = new JsonObject { ["name"] = trouble.EventName, ["namespace"] = trouble.Subject.Place },
        ["eventTime"] = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        ["type"] = "Warning",
        ["reason"] = trouble.Word,
        ["action"] = trouble.Action,
        ["note"] = Cut(trouble.Note),
        ["reportingController"] = "ambient.mesh/controller",
        ["reportingInstance"] = replica,
        ["regarding"] = RegardingOf(trouble.Subject),
    };

    private static JsonObject RegardingOf(EventSubject subject)
    {
        var regarding = new JsonObject { ["apiVersion"] = "v1", ["kind"] = subject.Kind, ["namespace"] = subject.Place, ["name"] = subject.Name };
        if (subject.Uid.Length > 0)
            regarding["uid"] = subject.Uid;
        return regarding;
    }

    private static string Cut(string note)
    {
        while (Encoding.UTF8.GetByteCount(note) > MaxNoteBytes)
            note = note[..(note.Length - 16)];
        return note;
    }

    private static (EventSubject, string, string) KeyOf(Trouble trouble) => (trouble.Subject, trouble.Word, trouble.Key);
}
