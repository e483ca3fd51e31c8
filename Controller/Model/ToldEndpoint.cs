using System.Net;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// An endpoint as nodes are told of it. There are ten and more of them for each pod, so it holds what tells it apart and is encoded when it is
/// sent: 72 bytes, where its encoding and its key took 350.
/// </summary>
internal sealed class ToldEndpoint : ToldResource
{
    private readonly EndpointGroup _group;
    private readonly IPAddress _address;
    private readonly string _workloadUid;
    private readonly string _node;
    private readonly string _zone;
    private readonly uint _weight;
    private readonly bool _isReady;

    /// <param name="group">What it has in common with others of its service.</param>
    /// <param name="address">Where it is: that of <paramref name="told"/>.</param>
    /// <param name="told">What nodes are to be told of it. It is not kept.</param>
    internal ToldEndpoint(EndpointGroup group, IPAddress address, EndpointResource told)
    {
        (_group, _address) = (group, address);
        (_workloadUid, _node, _zone, _weight, _isReady) = (told.WorkloadUid, told.Node, told.Zone, told.Weight, told.Ready);
        Length = Read().CalculateSize();
    }

    internal override ToldKey Key => new(_group.Path, _address);

    internal override string Namespace => _group.Namespace;

    internal override int Length { get; }

    /// <inheritdoc cref="EndpointGroup"/>
    internal EndpointGroup Group => _group;

    internal override void Write(Span<byte> into) => Read().WriteTo(into);

    internal override bool SaysWhat(ToldResource other) =>
        other is ToldEndpoint endpoint && Length == endpoint.Length && _group.Equals(endpoint._group) && _address.Equals(endpoint._address)
        && _workloadUid == endpoint._workloadUid && _node == endpoint._node && _zone == endpoint._zone && _weight == endpoint._weight && _isReady == endpoint._isReady;

    internal override Resource Read() => new()
    {
        Key = Key.ToString(),
        Endpoint = new EndpointResource
        {
            ServiceNamespace = _group.Namespace,
            ServiceName = _group.Service,
            Address = ByteString.CopyFrom(_address.GetAddressBytes()),
            WorkloadUid = _workloadUid,
            Ports = { _group.Ports.Select(port => new EndpointPort { Name = port.Name, Port = port.Port }) },
            Ready = _isReady,
            Zone = _zone,
            Weight = _weight,
            Node = _node,
        },
    };
}
