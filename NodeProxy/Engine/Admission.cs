namespace Ambient.NodeProxy.Engine;

/// <summary>Whether a new connection of a pod is taken.</summary>
internal enum Admission
{
    /// <summary>There is room.</summary>
    Open,

    /// <summary>The pod holds its share; others still have room.</summary>
    PodAtShare,

    /// <summary>The process holds all it may.</summary>
    NodeFull,

    /// <summary>The process has used its memory up to the mark at which it takes no more.</summary>
    MemoryShort,
}
