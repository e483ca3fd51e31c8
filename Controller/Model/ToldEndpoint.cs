using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// An endpoint as nodes are told of it. There are ten and more of them for each pod, so it holds what tells it apart and is encoded when it is
/// sent: 72 bytes, where its encoding and its key took 350.
/// </summary>
internal sealed class ToldEndpoint : ToldResource
{
    // An IPv6 address with an embedded IPv4 one and a scope: ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295.
    private const int MostAddressBytes = 64;

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
        Span<byte> text = stackalloc byte[MostAddressBytes];
        int key = Encoding.UTF8.GetByteCount(group.Path) + AddressText(text);
        Length = WireBytes.SizeOf(key) + WireBytes.SizeOf(BodyLength);
    }

    internal override ToldKey Key => new(_group.Path, _address);

    internal override string Namespace => _group.Namespace;

    internal override int Length { get; }

    /// <inheritdoc cref="EndpointGroup"/>
    internal EndpointGroup Group => _group;

    /// <remarks>By hand: a full view writes a million of them, and as messages that took a second for each million and 700 bytes for each.</remarks>
    internal override void Write(Span<byte> into)
    {
        Span<byte> text = stackalloc byte[MostAddressBytes];
        text = text[..AddressText(text)];
        int at = WireBytes.PutHead(into, 0, Resource.KeyFieldNumber, Encoding.UTF8.GetByteCount(_group.Path) + text.Length);
        at += Encoding.UTF8.GetBytes(_group.Path, into[at..]);
        at = Copy(text, into, at);
        at = WireBytes.PutHead(into, at, Resource.EndpointFieldNumber, BodyLength);

        // In the order of their numbers, as a message writes itself; what is empty or zero is left out.
        at = Copy(_group.ServiceBytes, into, at);
        at = WireBytes.PutHead(into, at, EndpointResource.AddressFieldNumber, AddressLength);
        _address.TryWriteBytes(into[at..], out int bytes);
        at = WireBytes.Put(into, at + bytes, EndpointResource.WorkloadUidFieldNumber, _workloadUid);
        at = Copy(_group.PortBytes, into, at);
        at = WireBytes.PutNumber(into, at, EndpointResource.ReadyFieldNumber, _isReady ? 1u : 0);
        at = WireBytes.Put(into, at, EndpointResource.ZoneFieldNumber, _zone);
        at = WireBytes.PutNumber(into, at, EndpointResource.WeightFieldNumber, _weight);
        WireBytes.Put(into, at, EndpointResource.NodeFieldNumber, _node);
    }

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

    private int AddressLength => _address.AddressFamily == AddressFamily.InterNetwork ? 4 : 16;

    private int BodyLength => _group.ServiceBytes.Length + WireBytes.SizeOf(AddressLength) + WireBytes.SizeOf(_workloadUid) + _group.PortBytes.Length
        + WireBytes.SizeOfNumber(_isReady ? 1u : 0) + WireBytes.SizeOf(_zone) + WireBytes.SizeOfNumber(_weight) + WireBytes.SizeOf(_node);

    private int AddressText(Span<byte> into) => _address.TryFormat(into, out int length) ? length : throw new InvalidOperationException($"{_address} takes more than {into.Length} bytes");

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> into, int at)
    {
        from.CopyTo(into[at..]);
        return at + from.Length;
    }
}
