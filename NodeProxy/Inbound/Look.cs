namespace Ambient.NodeProxy.Inbound;

/// <summary>What a reader of first bytes makes of those it was shown.</summary>
/// <param name="Kind">What is to be done.</param>
/// <param name="Bytes">Pass and Replace only: how many bytes from the first one shown; at least 1.</param>
/// <param name="Instead">Replace only: what takes their place.</param>
/// <param name="Reason">Refuse only: why, for a person.</param>
internal readonly record struct Look(LookKind Kind, int Bytes = 0, ReadOnlyMemory<byte> Instead = default, string Reason = "")
{
    public static Look More => new(LookKind.More);

    public static Look PassAll => new(LookKind.PassAll);

    public static Look Divert => new(LookKind.Divert);

    public static Look Finish => new(LookKind.Finish);

    public static Look Pass(int bytes) => new(LookKind.Pass, bytes);

    public static Look Replace(int bytes, ReadOnlyMemory<byte> instead) => new(LookKind.Replace, bytes, instead);

    public static Look Refuse(string reason) => new(LookKind.Refuse, Reason: reason);
}

/// <summary>The answers of a reader of first bytes.</summary>
internal enum LookKind
{
    /// <summary>Nothing yet: more bytes decide. Not allowed once the reader was told that there will be no more.</summary>
    More,

    /// <summary>These bytes may pass; those behind them are shown when they come.</summary>
    Pass,

    /// <summary>These bytes pass in another form; those behind them are shown when they come.</summary>
    Replace,

    /// <summary>Everything may pass from here on, and nobody looks any more.</summary>
    PassAll,

    /// <summary>They are not for the app: another protocol of ours begins here.</summary>
    Divert,

    /// <summary>The peer has what it came for, and nothing passes.</summary>
    Finish,

    /// <summary>They may not pass: the connection is cut.</summary>
    Refuse,
}
