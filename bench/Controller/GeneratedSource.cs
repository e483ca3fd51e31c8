using System.Collections.Immutable;
using System.Threading.Channels;
using Ambient.Controller.Sources;

namespace Ambient.Bench.Controller;

/// <summary>A source of generated objects that changes when it is told to. What happens while the model is being made is gathered, as a watch does.</summary>
internal sealed class GeneratedSource(GeneratedCluster cluster) : IMeshSource
{
    private readonly Channel<string> _events = Channel.CreateUnbounded<string>();

    /// <summary>An endpoint changes now.</summary>
    /// <param name="mark">What tells this change from others.</param>
    internal void Happen(string mark) => _events.Writer.TryWrite(mark);

    public async Task RunAsync(Action<SourceChange> publish, CancellationToken cancellation)
    {
        publish(new SourceChange(cluster.Objects(), [], [], [], IsStandalone: false));
        while (await _events.Reader.WaitToReadAsync(cancellation))
        {
            var (added, removed) = (new HashSet<SourceObject>(ReferenceEqualityComparer.Instance), ImmutableArray.CreateBuilder<SourceObject>());
            while (_events.Reader.TryRead(out var mark))
            {
                var (was, now) = cluster.ChangeOne(mark);
                // One that changed twice meanwhile was never told in between.
                if (!added.Remove(was))
                    removed.Add(was);
                added.Add(now);
            }
            publish(new SourceChange([.. added], removed.DrainToImmutable(), [], [], IsStandalone: false));
        }
    }
}
