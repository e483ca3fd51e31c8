namespace Ambient.NodeProxy.Discovery;

/// <summary>The one reference to the current view. Readers take it once for a decision and see one version, never half of two.</summary>
public sealed class MeshViewHolder
{
    private readonly Lock _publishing = new();
    private MeshView _current = MeshView.Empty;

    /// <summary>The view in force. Any thread.</summary>
    public MeshView Current => Volatile.Read(ref _current);

    /// <summary>A view has come into force; <see cref="Current"/> is that view or a later one. Raised on the publisher's thread: post on and return.</summary>
    public event Action<MeshView>? Published;

    /// <summary>Puts a view into force.</summary>
    public void Publish(MeshView view)
    {
        lock (_publishing)
            Volatile.Write(ref _current, view);
        Published?.Invoke(view);
    }

    /// <summary>Puts a view of the time before into force, unless there is one already: then that is the newer.</summary>
    /// <returns>It is in force.</returns>
    public bool PublishIfAbsent(MeshView view)
    {
        lock (_publishing)
        {
            if (_current.IsPresent)
                return false;
            Volatile.Write(ref _current, view);
        }
        Published?.Invoke(view);
        return true;
    }
}
