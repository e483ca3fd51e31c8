namespace Ambient.Redirector.Cni;

/// <summary>When to look after something changed: as soon as nothing more changes for a while, but not put off without end by a stream of changes.</summary>
/// <param name="quiet">So long nothing changes.</param>
/// <param name="atMost">From the first change that was not looked at.</param>
internal sealed class Settling(TimeProvider time, TimeSpan quiet, TimeSpan atMost)
{
    private long? _since;

    /// <summary>Something changed.</summary>
    /// <returns>How long to wait from now, in place of what was waited for before.</returns>
    public TimeSpan OnChange()
    {
        _since ??= time.GetTimestamp();
        var left = atMost - time.GetElapsedTime(_since.Value);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < quiet ? left : quiet;
    }

    /// <summary>It is looked at.</summary>
    public void OnLook() => _since = null;
}
