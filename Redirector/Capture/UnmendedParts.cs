using Ambient.Redirector.Loop;

namespace Ambient.Redirector.Capture;

/// <summary>
/// What of a pod's capture is broken and could not be mended, by part, and whether that has lasted so long that the pod counts as
/// unproved. Owned by the loop.
/// </summary>
/// <param name="onChange">Called when <see cref="Reason"/> has become another.</param>
internal sealed class UnmendedParts(EventLoop loop, Action onChange)
{
    public const string Rules = "rules", Routes = "routes", Settings = "settings";

    /// <summary>What is ordered differently now; the rules before it are in force.</summary>
    public const string Exclusions = "exclusions";

    // Mostly somebody is just writing, and a further try mends it within milliseconds.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    private readonly SortedDictionary<string, string> _reasons = new(StringComparer.Ordinal);
    private LoopTimer? _due;

    /// <summary>Why the capture is unproved; null while it is not. It is the reason of the first failed try: further ones change nothing.</summary>
    public string? Reason { get; private set; }

    /// <summary>A try to mend this part failed.</summary>
    public void Failed(string part, string reason)
    {
        if (!_reasons.TryAdd(part, $"{part}: {reason}"))
            return;
        if (Reason is not null)
            Settle();
        else if (_due is not { IsCancelled: false })
            _due = loop.After(_patience, Settle);
    }

    /// <summary>This part is as it should be.</summary>
    public void Proved(string part)
    {
        if (!_reasons.Remove(part))
            return;
        if (_reasons.Count == 0)
            _due?.Cancel();
        if (Reason is not null)
            Settle();
    }

    /// <summary>There is nothing any more that could be broken.</summary>
    public void Forget()
    {
        _due?.Cancel();
        _reasons.Clear();
        Reason = null;
    }

    private void Settle()
    {
        Reason = _reasons.Count > 0 ? string.Join("; ", _reasons.Values) : null;
        onChange();
    }
}
