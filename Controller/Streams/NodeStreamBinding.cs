using Ambient.Protocol.Discovery.V1;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Ambient.Controller.Streams;

/// <summary>
/// Binds <see cref="NodeStreamService"/> by hand instead of by the generated base class, so that deltas go out as bytes
/// that were encoded once for all nodes.
/// </summary>
internal sealed class NodeStreamBinding : IServiceMethodProvider<NodeStreamService>
{
    private static readonly Method<NodeMessage, ControllerFrame> Connect = new(MethodType.DuplexStreaming,
        "ambient.discovery.v1.NodeDiscovery", "Connect",
        Marshallers.Create<NodeMessage>((_, _) => throw new NotSupportedException("Only nodes send these."),
            context => NodeMessage.Parser.ParseFrom(context.PayloadAsReadOnlySequence())),
        ControllerFrame.Marshaller);

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<NodeStreamService> context) =>
        context.AddDuplexStreamingMethod(Connect, [], (service, reader, writer, call) => service.ConnectAsync(reader, writer, call));
}
