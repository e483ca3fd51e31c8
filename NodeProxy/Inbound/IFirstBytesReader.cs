namespace Ambient.NodeProxy.Inbound;

/// <summary>Decides about the bytes of a connection before they go on. One for each connection; it may keep state between bytes that it let pass.</summary>
internal interface IFirstBytesReader
{
    /// <summary>Most bytes that it wants to see at once; longer than anything it would let pass as a whole.</summary>
    int MostBytes { get; }

    /// <summary>Looks at the bytes that did not pass yet. The same ones are shown again, and more, as long as the answer is "more".</summary>
    /// <param name="bytes">Hostile; at most <see cref="MostBytes"/>, and none only with <paramref name="isAll"/>.</param>
    /// <param name="isAll">No more will be shown: the peer has ended, or the room is full.</param>
    Look Read(ReadOnlySpan<byte> bytes, bool isAll);
}
