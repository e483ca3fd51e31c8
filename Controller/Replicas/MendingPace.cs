namespace Ambient.Controller.Replicas;

/// <summary>
/// How often one object may be written that somebody else writes as well: at once for news of our own; for mending, at once the first time
/// and then half as often each time, until it was left alone for a while. Owned by one caller.
/// </summary>
internal sealed class MendingPace(TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5), LongestPause = TimeSpan.FromMinutes(5), Peace = TimeSpan.FromMinutes(10);

    private string? _written;
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private TimeSpan _pause = FirstPause;

    /// <summary>The last write that was allowed undid somebody's change.</summary>
    internal bool IsMending { get; private set; }

    /// <summary>How long until the same content may be written again.</summary>
    internal TimeSpan Wait => _next > time.GetUtcNow() ? _next - time.GetUtcNow() : TimeSpan.Zero;

    /// <summary>Whether this content may be written now; then it counts as written.</summary>
    internal bool MayWrite(string content)
    {
        var now = time.GetUtcNow();
        IsMending = _written == content;
        if (!IsMending)
        {
            _written = content;
            return true;
        }
        if (now < _next)
            return false;
        _pause = now - _next > Peace ? FirstPause : _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
        _next = now + _pause;
        return true;
    }
}
