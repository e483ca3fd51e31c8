using System.Diagnostics.CodeAnalysis;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.NodeProxy.Discovery;

/// <summary>Puts the parts of a view together that came in several messages (<c>more</c>). Only the last part is answered.</summary>
internal sealed class DeltaAssembler(string epoch)
{
    private readonly List<Resource> _upserts = [];
    private readonly List<string> _removals = [];
    private bool _isFull;
    private bool _isOpen;

    /// <summary>Takes a part.</summary>
    /// <returns>It was the last: the delta is complete.</returns>
    public bool TryComplete(Delta part, [NotNullWhen(true)] out MeshDelta? delta)
    {
        // A part of a full view that comes while another one is being put together begins anew: the controller has changed its mind.
        if (!_isOpen || (part.Full && !_isFull))
            Restart(part.Full);
        _upserts.AddRange(part.Upserts);
        _removals.AddRange(part.Removals);
        _isOpen = part.More;
        delta = part.More ? null : new MeshDelta(epoch, part.Version, _isFull, [.. _upserts], [.. _removals]);
        if (!part.More)
            Restart(false);
        return delta is not null;
    }

    private void Restart(bool isFull)
    {
        _upserts.Clear();
        _removals.Clear();
        _isFull = isFull;
    }
}
