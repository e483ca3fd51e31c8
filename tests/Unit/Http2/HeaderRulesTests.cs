using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

public sealed class HeaderRulesTests
{
    private const string Get = ":method: GET|:scheme: https|:authority: shop|:path: /";

    [Theory]
    [InlineData(Get, HeaderFault.None)]
    [InlineData(":path: /a?b|:scheme: http|:method: POST|host: shop|te: trailers|content-length: 12|content-length: 12", HeaderFault.None)]
    [InlineData(":method: OPTIONS|:scheme: https|:path: *", HeaderFault.None)]
    [InlineData(Get + "|cookie: a|cookie: b|x-empty: ", HeaderFault.None)]
    [InlineData(Get + "|Accept: x", HeaderFault.BadName)]
    [InlineData(Get + "|a b: x", HeaderFault.BadName)]
    [InlineData(Get + "|a:b: x", HeaderFault.BadName)]
    [InlineData(Get + "|\u00e4: x", HeaderFault.BadName)]
    [InlineData(Get + "|a: x\r\nb: y", HeaderFault.BadValue)]
    [InlineData(Get + "|a: x\0", HeaderFault.BadValue)]
    [InlineData(Get + "|a:  x", HeaderFault.BadValue)]
    [InlineData(Get + "|a: x\t", HeaderFault.BadValue)]
    [InlineData(Get + "|:path: /", HeaderFault.RepeatedPseudoHeader)]
    [InlineData(":method: GET|a: b|:scheme: https|:path: /", HeaderFault.LatePseudoHeader)]
    [InlineData(Get + "|:status: 200", HeaderFault.UnknownPseudoHeader)]
    [InlineData(Get + "|:x: y", HeaderFault.UnknownPseudoHeader)]
    [InlineData(":scheme: https|:path: /", HeaderFault.MissingPseudoHeader)]
    [InlineData(":method: GET|:path: /", HeaderFault.MissingPseudoHeader)]
    [InlineData(":method: GET|:scheme: https", HeaderFault.MissingPseudoHeader)]
    [InlineData(":method: GET|:scheme: https|:path: ", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: GET|:scheme: https|:path: admin", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: GET|:scheme: https|:path: /a b", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: GET|:scheme: https|:path: /a\r\nx", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: G ET|:scheme: https|:path: /", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: |:scheme: https|:path: /", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: GET|:scheme: 1|:path: /", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: GET|:scheme: https|:path: /|:authority: u@shop", HeaderFault.BadPseudoHeader)]
    [InlineData(Get + "|connection: close", HeaderFault.ConnectionSpecific)]
    [InlineData(Get + "|keep-alive: 5", HeaderFault.ConnectionSpecific)]
    [InlineData(Get + "|proxy-connection: x", HeaderFault.ConnectionSpecific)]
    [InlineData(Get + "|transfer-encoding: chunked", HeaderFault.ConnectionSpecific)]
    [InlineData(Get + "|upgrade: h2c", HeaderFault.ConnectionSpecific)]
    [InlineData(Get + "|te: gzip", HeaderFault.BadTe)]
    [InlineData(Get + "|host: SHOP", HeaderFault.None)]
    [InlineData(Get + "|host: other", HeaderFault.HostMismatch)]
    [InlineData(Get + "|host: shop|host: shop", HeaderFault.HostMismatch)]
    [InlineData(Get + "|content-length: 1|content-length: 2", HeaderFault.BadContentLength)]
    [InlineData(Get + "|content-length: +1", HeaderFault.BadContentLength)]
    [InlineData(Get + "|content-length: ", HeaderFault.BadContentLength)]
    [InlineData(":method: CONNECT|:authority: 10.0.0.1:80", HeaderFault.None)]
    [InlineData(":method: CONNECT|:authority: [fd00::1]:80|baggage: a=b", HeaderFault.None)]
    [InlineData(":method: CONNECT", HeaderFault.MissingPseudoHeader)]
    [InlineData(":method: CONNECT|:authority: ", HeaderFault.BadPseudoHeader)]
    [InlineData(":method: CONNECT|:authority: a:1|:scheme: https", HeaderFault.ExcessPseudoHeader)]
    [InlineData(":method: CONNECT|:authority: a:1|:path: /", HeaderFault.ExcessPseudoHeader)]
    [InlineData(":method: CONNECT|:authority: a:1|:scheme: https|:path: /|:protocol: websocket", HeaderFault.UnexpectedProtocol)]
    public void Requests_are_judged(string lines, HeaderFault expected) => Assert.Equal(expected, HeaderRules.CheckRequest(List(lines)));

    [Theory]
    [InlineData(":method: CONNECT|:authority: a|:scheme: https|:path: /|:protocol: websocket", HeaderFault.None)]
    [InlineData(":method: CONNECT|:authority: a|:protocol: websocket", HeaderFault.MissingPseudoHeader)]
    [InlineData(Get + "|:protocol: websocket", HeaderFault.UnexpectedProtocol)]
    [InlineData(":method: CONNECT|:authority: a:1", HeaderFault.None)]
    public void Requests_where_extended_connect_was_offered_are_judged(string lines, HeaderFault expected) =>
        Assert.Equal(expected, HeaderRules.CheckRequest(List(lines), extendedConnect: true));

    [Theory]
    [InlineData(":status: 200|a: b", HeaderFault.None)]
    [InlineData(":status: 103", HeaderFault.None)]
    [InlineData("a: b", HeaderFault.MissingPseudoHeader)]
    [InlineData("a: b|:status: 200", HeaderFault.LatePseudoHeader)]
    [InlineData(":status: 200|:status: 200", HeaderFault.RepeatedPseudoHeader)]
    [InlineData(":status: 200|:path: /", HeaderFault.UnknownPseudoHeader)]
    [InlineData(":status: 20", HeaderFault.BadPseudoHeader)]
    [InlineData(":status: 2xx", HeaderFault.BadPseudoHeader)]
    [InlineData(":status: 042", HeaderFault.BadPseudoHeader)]
    [InlineData(":status: 101", HeaderFault.BadPseudoHeader)]
    [InlineData(":status: 200|transfer-encoding: chunked", HeaderFault.ConnectionSpecific)]
    public void Responses_are_judged(string lines, HeaderFault expected) => Assert.Equal(expected, HeaderRules.CheckResponse(List(lines)));

    [Theory]
    [InlineData("grpc-status: 0", HeaderFault.None)]
    [InlineData(":status: 200", HeaderFault.UnknownPseudoHeader)]
    public void Trailers_are_judged(string lines, HeaderFault expected) => Assert.Equal(expected, HeaderRules.CheckTrailers(List(lines)));

    [Fact]
    public void A_field_without_a_name_is_refused()
    {
        var list = new HeaderList();
        list.Add(default, "x"u8);
        Assert.Equal(HeaderFault.EmptyName, HeaderRules.CheckTrailers(list));
    }

    [Fact]
    public void Every_fault_has_words() =>
        Assert.Equal(Enum.GetValues<HeaderFault>().Length, Enum.GetValues<HeaderFault>().Select(HeaderRules.Explain).Distinct().Count());

    private static HeaderList List(string lines) => HeaderText.List(lines.Split('|'));
}
