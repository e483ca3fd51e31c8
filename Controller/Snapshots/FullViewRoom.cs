namespace Ambient.Controller.Snapshots;

/// <summary>
/// How many streams are sent a full view at once: each holds a part of it on its way, and whoever comes after all the others would have
/// nothing until all have everything. Who waits is let in in order. Any thread may call it.
/// </summary>
/// <param name="places">How many.</param>
internal sealed class FullViewRoom(int places = FullViewRoom.DefaultPlaces)
{
    internal const int DefaultPlaces = 64;

    /// <summary>How long a node may keep a place; one that reads more slowly goes on without.</summary>
    internal static readonly TimeSpan LongestStay = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _places = new(places);

    /// <summary>Completes when there is a place.</summary>
    internal Task WaitAsync(CancellationToken cancellation) => _places.WaitAsync(cancellation);

    /// <summary>Gives back a place that was not made use of.</summary>
    internal void Release() => _places.Release();

    /// <summary>Makes use of a place, until it is disposed of, which is when the node has acked, or the time is over.</summary>
    internal IDisposable Occupy(TimeProvider time) => new Place(this, time);

    private sealed class Place : IDisposable
    {
        private readonly FullViewRoom _room;
        private readonly ITimer _timer;
        private int _isFree;

        internal Place(FullViewRoom room, TimeProvider time)
        {
            _room = room;
            _timer = time.CreateTimer(_ => Free(), null, LongestStay, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            _timer.Dispose();
            Free();
        }

        private void Free()
        {
            if (Interlocked.Exchange(ref _isFree, 1) == 0)
                _room.Release();
        }
    }
}
