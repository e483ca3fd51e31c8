using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Tests.Unit.Controller;

/// <summary>What the controller reads of a route into whose status others write as well.</summary>
public sealed class RouteReadingTests
{
    [Theory]
    [InlineData("parents: [ {controllerName: ambient.mesh/controller} ]", true)]
    [InlineData("parents: [ {controllerName: example.net/other} ]", false)]
    [InlineData("parents: [ 5, {controllerName: {a: 1}}, {controllerName: ambient.mesh/controller} ]", true)]
    [InlineData("parents: [ null, [ x ], {controllerName: [ambient.mesh/controller]} ]", false)]
    [InlineData("parents: {a: 1}", false)]
    [InlineData("parents: 17", false)]
    [InlineData("parents: null", false)]
    public void An_odd_entry_of_another_writer_makes_no_route_unreadable(string status, bool hasOurs)
    {
        var route = Route($"status: {{ {status} }}");
        Assert.Equal(hasOurs, route.HasOurStatus);
        Assert.Equal("api", Assert.Single(route.Services).Name);
    }

    [Fact]
    public void A_status_that_is_none_says_nothing_of_ours() => Assert.False(Route("status: odd").HasOurStatus);

    [Fact]
    public void A_parent_of_the_spec_of_another_form_is_still_a_fault_with_its_place() =>
        Assert.Contains("spec.parentRefs[0].port", Assert.Throws<YamlFaultException>(() => Route("", "port: x")).Message, StringComparison.Ordinal);

    private static RouteObject Route(string rest, string parent = "port: 80") => RouteReader.Read("HTTPRoute", Fields.Of(YamlDocuments.Read($$"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: r, namespace: shop}
        spec: {parentRefs: [{group: "", kind: Service, name: api, {{parent}} }]}
        {{rest}}
        """).Single(), ""), new SourcePlace("x", 0));
}
