namespace Ambient.Controller.Authority;

/// <summary>Why a certificate was refused. Its label value is the name in snake case.</summary>
internal enum CertificateRefusal
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>The node asks for too many.</summary>
    TooOften,

    /// <summary>The request is not as requests are: form, signature, key, names.</summary>
    BadRequest,

    /// <summary>The identity is none of the node's.</summary>
    NotTheirs,

    /// <summary>The authority itself has expired.</summary>
    AuthorityExpired,
}
