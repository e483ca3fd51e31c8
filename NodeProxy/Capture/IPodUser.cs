namespace Ambient.NodeProxy.Capture;

/// <summary>Something that holds a socket of a pod's namespace: it has to let go when the pod ends.</summary>
internal interface IPodUser
{
    /// <summary>Ends at once, abortively.</summary>
    /// <param name="reason">For a person.</param>
    void Cut(string reason);

    /// <summary>Descriptors that it holds once it is open; the same for good.</summary>
    int Descriptors { get; }
}
