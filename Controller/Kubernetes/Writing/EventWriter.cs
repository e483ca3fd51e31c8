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
internal sealed class EventWriter(ApiWriter writer, string replica, TimeProvider time, ILogger logger)
{
    /// <summary>Most Events at once.</summary>
    internal const int Burst = 25;

    /// <summary>After them one in so long.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // events.k8s.io/v1: note is at most 1 kB.
    private const int MaxNoteBytes = 1024;

    // A namespace whose quota is used up refuses them all: it is asked for one at a time.
    private static readonly TimeSpan FirstRestOfPlace = TimeSpan.FromSeconds(10);

    // With the highest level that was told.
    private readonly Dictionary<(EventSubject Subject, string Word, string Key), int> _told = [];
    private readonly Rests<(EventSubject Subject, string Word, string Key)> _rests = new(Rests.First, time);
    private readonly Rests<string> _places = new(FirstRestOfPlace, time);
    private double _credit = Burst;
    private long _creditAt = time.GetTimestamp();

    /// <summary>Tells what was not told yet; forgets what is over, so that it is told when it comes again.</summary>
    /// <inheritdoc cref="ConditionWriter.WriteAsync(CancellationToken)"/>
    internal async Task WriteAsync(IReadOnlyCollection<Trouble> troubles, CancellationToken cancellation)
    {
        Forget(troubles);
        _credit = Math.Min(Burst, _credit + (time.GetElapsedTime(_creditAt) / Interval));
        _creditAt = time.GetTimestamp();
        var refusals = 0;
        foreach (var trouble in troubles.Where(IsDue))
        {
            // Asked while it goes on: a namespace may have come to rest by one of this round.
            if (_places.Has(trouble.Subject.Place))
                continue;
            if (_credit < 1)
                return;
            try
            {
                await writer.CreateAsync($"/apis/events.k8s.io/v1/namespaces/{trouble.Subject.Place}/events", EventOf(trouble), cancellation);
                _places.Remove(trouble.Subject.Place);
            }
            catch (ApiRefusal e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound || (e.Status == HttpStatusCode.Forbidden && e.Message.Contains("terminated", StringComparison.Ordinal)))
            {
                // Another replica told it, or the namespace is gone or going: a namespace that ends takes no Events.
            }
            catch (ApiRefusal e) when (e.IsOfOneObject && refusals < Rests.MostRefusals)
            {
                // It takes nothing from the measure of the others.
                refusals++;
                _rests.Add(KeyOf(trouble));
                if (_places.Add(trouble.Subject.Place))
                    logger.WriteRefused($"{trouble.Subject.Kind} {trouble.Subject.Place}/{trouble.Subject.Name}", e.Message);
                continue;
            }
            _credit--;
            _rests.Remove(KeyOf(trouble));
            _told[KeyOf(trouble)] = trouble.Level;
        }
    }

    private bool IsDue(Trouble trouble) => (!_told.TryGetValue(KeyOf(trouble), out var level) || level < trouble.Level) && !_rests.Has(KeyOf(trouble));

    private void Forget(IReadOnlyCollection<Trouble> troubles)
    {
        var now = troubles.Select(KeyOf).ToHashSet();
        foreach (var key in _told.Keys.Where(key => !now.Contains(key)).ToList())
            _told.Remove(key);
        _rests.RetainOnly(now);
        _places.RetainOnly(troubles.Select(trouble => trouble.Subject.Place).ToHashSet());
    }

    private JsonObject EventOf(Trouble trouble) => new()
    {
        ["apiVersion"] = "events.k8s.io/v1",
        ["kind"] = "Event",
        ["metadata"] = new JsonObject { ["name"] = trouble.EventName, ["namespace"] = trouble.Subject.Place },
        ["eventTime"] = ApiTime.Microseconds(time.GetUtcNow()),
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
