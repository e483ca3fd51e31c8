namespace Ambient.NodeProxy.Discovery;

/// <summary>Where the controller is and how the two know each other.</summary>
public sealed record ControllerStreamOptions
{
    /// <summary>The name in the controller's certificate, whatever address is dialled.</summary>
    public const string ControllerName = "ambient-controller";

    /// <summary>This node's name; the join token must name the same.</summary>
    public required string Node { get; init; }

    /// <summary>The controller, <c>https://ADDRESS:PORT</c>.</summary>
    public required Uri Controller { get; init; }

    /// <summary>PEM file with the only roots that the controller's certificate may lead to. Read at every connect.</summary>
    public required string BundleFile { get; init; }

    /// <summary>File with the join token. Read at every connect, so that a new token needs no restart.</summary>
    public required string TokenFile { get; init; }

    /// <summary>The boot id of the node's kernel, as Redirector told it; asked for at every connect. Orders are bound to it.</summary>
    public required Func<string> BootId { get; init; }

    /// <summary>What this node can do, for other nodes to know.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>This process hands over to a successor, whose stream is the node's: it only listens.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>Name and version, for people.</summary>
    public string Software { get; init; } = "ambient-node";

    /// <summary>How long the controller may take to answer the first message.</summary>
    public TimeSpan WelcomeTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
