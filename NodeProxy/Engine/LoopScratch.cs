namespace Ambient.NodeProxy.Engine;

/// <summary>
/// A loop's working memory. One set serves all connections of a loop, because nobody keeps bytes here past the call that
/// brought them: what cannot be passed on is copied into a rented buffer. Pinned, so that system calls and libssl need no pin.
/// </summary>
internal sealed class LoopScratch
{
    /// <summary>
    /// How much one turn moves at a time: eight TLS records. Twice the four at which a prototype's curve went flat: half the calls on
    /// links, and moves by splice that are worth their two calls.
    /// </summary>
    public const int BatchBytes = 128 * 1024;

    /// <summary>A batch as TLS 1.3 writes it: per record of 16 KiB a header, a tag and a content type (22 bytes), and some control records.</summary>
    public const int CipherBytes = BatchBytes + 4096;

    /// <summary>Ciphertext as read from a socket: a batch of the other side to the byte, so that what it wrote at once is also one read, and its frame one write to the app.</summary>
    public byte[] ReceiveCipher { get; } = Pinned(BatchBytes + (BatchBytes / (16 * 1024) * 22));

    /// <summary>What it decrypts to; with room for a record whose start came before.</summary>
    public byte[] ReceivePlain { get; } = Pinned(BatchBytes + (17 * 1024));

    /// <summary>Bytes pulled from a source, on their way out.</summary>
    public byte[] SendPlain { get; } = Pinned(BatchBytes);

    /// <summary>What they encrypt to.</summary>
    public byte[] SendCipher { get; } = Pinned(CipherBytes);

    private static byte[] Pinned(int bytes) => GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
}
