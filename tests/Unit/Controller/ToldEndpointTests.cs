using System.Net;
using Ambient.Controller.Model;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Controller;

/// <summary>An endpoint holds what tells it apart, and nodes are told all of it.</summary>
public sealed class ToldEndpointTests
{
    public static TheoryData<string, Action<EndpointResource>> Differences => new()
    {
        { "another pod", e => e.WorkloadUid = "b" },
        { "no pod", e => e.WorkloadUid = "" },
        { "another node", e => e.Node = "n2" },
        { "another zone", e => e.Zone = "z2" },
        { "another weight", e => e.Weight = 3 },
        { "not ready", e => e.Ready = false },
        { "another port", e => e.Ports[0].Port = 8081 },
        { "another name of a port", e => e.Ports[0].Name = "grpc" },
        { "one port more", e => e.Ports.Add(new EndpointPort { Name = "metrics", Port = 9090 }) },
        { "no port", e => e.Ports.Clear() },
    };

    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("fd00::7")]
    public void It_is_written_as_the_resource_that_it_was_made_of(string address)
    {
        var told = Endpoint(address);
        var expected = new Resource { Key = $"endpoint/shop/web/{address}", Endpoint = told };
        var endpoint = Told(told);
        byte[] bytes = new byte[endpoint.Length];
        endpoint.Write(bytes);
        Assert.Equal(expected.ToByteArray(), bytes);
        Assert.Equal(expected, endpoint.Read());
        Assert.Equal(expected.Key, endpoint.Key.ToString());
        Assert.Equal("shop", endpoint.Namespace);
    }

    [Theory]
    [MemberData(nameof(Differences))]
    public void It_says_something_else_when_anything_of_it_is_another(string what, Action<EndpointResource> change)
    {
        var other = Endpoint("10.1.2.3");
        change(other);
        Assert.True(Told(Endpoint("10.1.2.3")).SaysWhat(Told(Endpoint("10.1.2.3"))));
        Assert.False(Told(Endpoint("10.1.2.3")).SaysWhat(Told(other)), what);
        Assert.Equal(other, Told(other).Read().Endpoint);
    }

    [Fact]
    public void Another_address_or_another_service_is_another_key()
    {
        var endpoint = Told(Endpoint("10.1.2.3"));
        Assert.Equal(endpoint.Key, Told(Endpoint("10.1.2.3")).Key);
        Assert.NotEqual(endpoint.Key, Told(Endpoint("10.1.2.4")).Key);
        var elsewhere = Endpoint("10.1.2.3");
        elsewhere.ServiceName = "api";
        Assert.NotEqual(endpoint.Key, Told(elsewhere).Key);
        Assert.False(endpoint.SaysWhat(Told(elsewhere)));
    }

    private static EndpointResource Endpoint(string address) => new()
    {
        ServiceNamespace = "shop",
        ServiceName = "web",
        Address = ByteString.CopyFrom(IPAddress.Parse(address).GetAddressBytes()),
        WorkloadUid = "a",
        Node = "n1",
        Zone = "z1",
        Weight = 1,
        Ready = true,
        Ports = { new EndpointPort { Name = "http", Port = 8080 } },
    };

    private static ToldEndpoint Told(EndpointResource told) =>
        new(new EndpointGroup(told.ServiceNamespace, told.ServiceName, [.. told.Ports.Select(port => (port.Name, port.Port))]), new IPAddress(told.Address.Span), told);
}
