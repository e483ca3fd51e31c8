using System.Diagnostics.CodeAnalysis;

namespace Ambient.NodeProxy.Capture;

/// <summary>The captured pods of this node as one loop knows them. A pod appears here when its listeners arrive, on every loop.</summary>
internal sealed class LoopPods
{
    private readonly Dictionary<string, PodOnLoop> _pods = [];

    public bool TryFind(string uid, [NotNullWhen(true)] out PodOnLoop? pod) => _pods.TryGetValue(uid, out pod);

    public void Add(PodOnLoop pod) => _pods[pod.Uid] = pod;

    public PodOnLoop? Remove(string uid) => _pods.Remove(uid, out var pod) ? pod : null;

    public IReadOnlyCollection<PodOnLoop> All => _pods.Values;
}
