namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>How decoding a block ended. All but the first three lose the connection's state: COMPRESSION_ERROR.</summary>
public enum HpackOutcome
{
    /// <summary>All of it was decoded.</summary>
    Decoded,

    /// <summary>All of it was read and the table is in step, but the list grew beyond the limit and is incomplete.</summary>
    ListTooLarge,

    /// <summary>All of it was read and the table is in step, but there are too many fields and the list is incomplete.</summary>
    TooManyFields,

    /// <summary>The block ends inside a representation.</summary>
    Truncated,

    /// <summary>An integer needs more than 31 bits, or more bytes than those can need.</summary>
    IntegerTooLarge,

    /// <summary>Index 0, or one behind the last entry.</summary>
    UnknownIndex,

    /// <summary>A Huffman string holds EOS, or its padding is longer than 7 bits or not all ones.</summary>
    BadHuffman,

    /// <summary>A table size update above what was advertised.</summary>
    TableSizeTooLarge,

    /// <summary>A table size update after the first field of a block.</summary>
    TableSizeMisplaced,

    /// <summary>The limit was lowered and acknowledged, but the table is used before it was made smaller.</summary>
    TableSizeMissing,
}
