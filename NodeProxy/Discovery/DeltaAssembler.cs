using System.Diagnostics.CodeAnalysis;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// Puts the parts of a view together that came in several messages (<c>more</c>). Only the last part is answered, and nothing is served by
/// before it: a full view's first parts may be older than its last. Each is read as it comes: the messages of a large mesh weigh several
/// times what is kept of them, and all at once would outlive garbage collections.
/// </summary>
internal sealed class DeltaAssembler(string epoch, SharedValues shared)
{
    private List<MeshResource> _upserts = [];
    private List<string> _removals = [];
    private string? _fault;
    private bool _isFull;
    private bool _isOpen;

    /// <summary>Takes a part.</summary>
    /// <returns>It was the last: the delta is complete.</returns>
    public bool TryComplete(Delta part, [NotNullWhen(true)] out MeshDelta? delta)
    {
        // A part of a full view that comes while another one is being put together begins anew: the controller has changed its mind.
        if (!_isOpen || (part.Full && !_isFull))
            Restart(part.Full);
        if (_isFull && part.Removals.Count > 0)
            TakeBack(part.Removals);
        _fault ??= MeshDelta.Read(part.Upserts, shared, _upserts);
        if (part.Compressed.Length > 0)
            _fault ??= CompressedPart.TryRead(part, out var more, out var fault) ? MeshDelta.Read(more.Upserts, shared, _upserts) : fault;
        if (!_isFull)
            _removals.AddRange(part.Removals);
        _isOpen = part.More;
        delta = part.More ? null : new MeshDelta(epoch, part.Version, _isFull, _upserts, _removals, _fault)
        {
            Fingerprint = part.Fingerprint,
            BuildsOn = part.BuildsOn,
        };
        if (!part.More)
            Restart(false);
        return delta is not null;
    }

    // The change that brings a kept full view up to date: what it removes came with the parts before it.
    private void TakeBack(IEnumerable<string> keys)
    {
        HashSet<string> gone = new(keys, StringComparer.Ordinal);
        _upserts.RemoveAll(resource => gone.Contains(resource.Key));
    }

    private void Restart(bool isFull)
    {
        (_upserts, _removals) = ([], []);   // the old ones are a delta's
        _fault = null;
        _isFull = isFull;
    }
}
