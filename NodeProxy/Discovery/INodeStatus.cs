namespace Ambient.NodeProxy.Discovery;

/// <summary>What the data path can say about itself in numbers. Any thread may ask.</summary>
public interface INodeStatus
{
    /// <summary>Pods whose rules are in force.</summary>
    int CapturedPods { get; }

    /// <summary>Connections carried now.</summary>
    int OpenConnections { get; }
}
