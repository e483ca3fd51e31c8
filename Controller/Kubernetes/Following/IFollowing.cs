using Ambient.Controller.Kubernetes.Decoding;

namespace Ambient.Controller.Kubernetes.Following;

/// <summary>Takes what a follower finds out about one kind. Called on one thread at a time.</summary>
internal interface IFollowing
{
    /// <summary>Takes one object of a list. What the list does not hold is gone once <see cref="EndList"/> is called.</summary>
    void Listed(DecodedObject item);

    /// <summary>The list was read to its end.</summary>
    void EndList();

    /// <summary>The list broke off: it says nothing.</summary>
    void DropList();

    /// <summary>An object came, or is another now.</summary>
    void Changed(DecodedObject item);

    /// <summary>An object is gone.</summary>
    void Gone(string ns, string name);

    /// <summary>The server says that we may not read the kind, or, by null, that it no longer says so.</summary>
    void Forbidden(string? reason);
}
