using Ambient.Native.Descriptors;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Redirector.Nodes;

/// <summary>What a connection tells of its NodeProxy. Called on the loop.</summary>
internal interface INodeReceiver
{
    /// <summary>A message that can be read; whether it may be obeyed is another question.</summary>
    /// <param name="descriptors">What came beside it; whoever keeps one takes it out of the list.</param>
    void OnMessage(NodeConnection from, ToRedirector message, List<Descriptor> descriptors);

    /// <summary>A packet that cannot be read; it is dropped.</summary>
    void OnUnreadable(NodeConnection from, string reason);

    /// <summary>The channel's reader does not read: its session is over.</summary>
    void OnSilent(NodeConnection from);

    /// <summary>The connection is over and closed.</summary>
    void OnEnd(NodeConnection from, string reason);
}
