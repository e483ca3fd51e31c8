namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Reads to what a route of the Gateway API is attached. Source: Gateway API, ParentReference (a group that is absent is the Gateway API's own;
/// that of a Service is written as an empty text), and GEP-1294, "xRoutes Mesh Binding".
/// </summary>
internal static class RouteReader
{
    /// <summary>Who we are among those who write into the status of routes.</summary>
    internal const string ControllerName = "ambient.mesh/controller";

    /// <exception cref="YamlFaultException">It has another form.</exception>
    internal static RouteObject Read(string kind, Fields fields, SourcePlace place)
    {
        var metadata = fields.Object("metadata");
        return new RouteObject(kind, metadata.Name("namespace", "default"), metadata.Name("name", absent: null),
            [
                .. fields.Object("spec").Objects("parentRefs").Where(parent => parent.Text("kind") == "Service" && parent.Has("group") && parent.Text("group").Length == 0)
                    .Select(parent => new RouteParent(parent.Has("namespace") ? parent.Name("namespace", null) : "", parent.Name("name", absent: null), parent.Text("sectionName"), parent.Number("port", 1, 65535))),
            ],
            // Other controllers write there as well: what they put does not make the route unreadable.
            fields.ObjectOrNone("status").ObjectsAmong("parents").Any(parent => parent.Says("controllerName", ControllerName)), place)
        {
            Version = fields.Text("apiVersion").Split('/')[^1],
        };
    }
}
