namespace Ambient.Redirector.Loop;

/// <summary>An action that waits for its time on the loop. Only the loop's thread touches it.</summary>
internal sealed class LoopTimer(Action action)
{
    private Action? _action = action;

    /// <summary>It ran, or was called off.</summary>
    public bool IsCancelled => _action is null;

    /// <summary>Calls it off.</summary>
    public void Cancel() => _action = null;

    internal void Run()
    {
        var action = _action;
        _action = null;
        action?.Invoke();
    }
}
