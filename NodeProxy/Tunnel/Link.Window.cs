using Ambient.NodeProxy.Http2;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// The window that streams of this link start with, as the pod's budget has it now. One change is under way at a time, so that
/// an acknowledgement says which one it means.
/// </summary>
internal sealed partial class Link
{
    private int _initialWindowSent;
    private int _initialWindowAcked;
    private bool _isChangeUnacked = true; // the preface's own SETTINGS

    /// <summary>
    /// What the peer believes of a stream that starts now. It numbers its own streams by what it has acknowledged; ours reach it
    /// after what we have sent.
    /// </summary>
    internal int InitialWindowOfNewStream => IsServer ? _initialWindowAcked : _initialWindowSent;

    private void ReviewInitialWindow()
    {
        if (_isChangeUnacked || IsClosed || _isClosing) return;
        int wanted = Budget.InitialWindowBytes(Options.InitialStreamWindowBytes);
        // Wider again only when it fits well, else the border between two steps would be announced back and forth.
        if (wanted > _initialWindowSent && (long)wanted * 2 * Budget.Streams > Budget.LimitBytes / 2) return;
        if (wanted == _initialWindowSent) return;
        _initialWindowSent = wanted;
        _isChangeUnacked = true;
        FrameWriter.WriteInitialWindow(_control, wanted);
        _connection.SourceReady();
    }

    private void OnInitialWindowAcked()
    {
        _isChangeUnacked = false;
        _initialWindowAcked = _initialWindowSent;
        foreach (var stream in _streams.Values)
        {
            Budget.Adjust(stream.ChangeInitialWindow(_initialWindowAcked));
            stream.Credit(); // what was delivered may now be more than half of the smaller window, and nothing else would say so
        }

        ReviewInitialWindow();
        if (HasCapacity) _owner.OnCapacity(this); // narrower windows may have made room
    }
}
