using Ambient.Native.Descriptors;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.NodeProxy.Capture;

/// <summary>What the channel to Redirector talks to.</summary>
internal interface IRedirectorPeer
{
    /// <summary>Pods whose listeners are here, for hello.</summary>
    IEnumerable<string> PodsHeld { get; }

    /// <summary>A message of this session, hello first.</summary>
    /// <param name="message">The message.</param>
    /// <param name="descriptors">What came with it; those kept are removed from the list.</param>
    void OnMessage(ToNode message, List<Descriptor> descriptors);

    /// <summary>Redirector is away; what was asked of it is void.</summary>
    void OnDisconnected();
}
