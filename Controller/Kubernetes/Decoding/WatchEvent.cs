namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>What a watch tells. Source: the Kubernetes API concepts, "Efficient detection of changes".</summary>
internal enum WatchEventKind { Added, Modified, Deleted, Bookmark, Error }

/// <param name="Object">For a bookmark only its version counts; for an error it is empty.</param>
/// <param name="Error">Code and message of an error.</param>
internal readonly record struct WatchEvent(WatchEventKind Kind, DecodedObject Object, (int Code, string Message) Error);
