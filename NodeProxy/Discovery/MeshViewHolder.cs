using System.Collections.Frozen;
using System.Net;

namespace Ambient.NodeProxy.Discovery;

/// <summary>The one reference to the current view. Readers take it once for a decision and see one version, never half of two.</summary>
public sealed class MeshViewHolder
{
    private readonly Lock _publishing = new();
    private MeshView _current = MeshView.Empty;
    private FrozenSet<AddressKey> _machine = FrozenSet<AddressKey>.Empty;

    /// <summary>The view in force. Any thread.</summary>
    public MeshView Current => Volatile.Read(ref _current);

    /// <summary>A view has come into force; <see cref="Current"/> is that view or a later one. Raised on the publisher's thread: post on and return.</summary>
    public event Action<MeshView>? Published;

    /// <summary>
    /// The addresses of the machine that this process serves, as the machine itself knows them: with a bridge of the network plugin among
    /// them kubelet calls from one that no Node object names. Replaced as a whole. Any thread.
    /// </summary>
    public FrozenSet<AddressKey> Machine
    {
        get => Volatile.Read(ref _machine);
        set => Volatile.Write(ref _machine, value);
    }

    /// <summary>Whether an address is some node's own: by the view, or of this machine.</summary>
    public bool IsNodes(MeshView view, IPAddress address) => view.TryFindNodeByAddress(address, out _) || Machine.Contains(new AddressKey(address));

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
