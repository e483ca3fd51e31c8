namespace Ambient.Protocol.Cni;

/// <summary>The CNI commands that Redirector hears of. Source: CNI specification 1.1.0, section 2.</summary>
public enum CniCommand
{
    /// <summary>ADD: a sandbox's network was made.</summary>
    Add,

    /// <summary>DEL: it is about to be taken away, or is gone.</summary>
    Delete,

    /// <summary>CHECK: is it as it should be?</summary>
    Check,

    /// <summary>GC: only the sandboxes named are still there.</summary>
    Collect,
}
