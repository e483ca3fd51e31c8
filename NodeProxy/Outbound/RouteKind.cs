namespace Ambient.NodeProxy.Outbound;

/// <summary>Which way a connection of an app goes.</summary>
internal enum RouteKind
{
    /// <summary>To an enrolled pod: in the process if it is captured here and nothing forbids it, else by tunnel.</summary>
    Mesh,

    /// <summary>To a known endpoint outside the mesh.</summary>
    Plain,

    /// <summary>Outside the mesh's ranges: to where the app wanted.</summary>
    Passthrough,

    /// <summary>Inside the mesh's ranges, but the view does not know it yet. It never goes out in the clear.</summary>
    Wait,

    /// <summary>Nowhere, with a reason.</summary>
    Refused,
}
