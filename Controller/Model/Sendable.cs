using Ambient.Protocol.Mesh.V1;
using ResourceReader = Ambient.Protocol.Model.ResourceReader;

namespace Ambient.Controller.Model;

/// <summary>Keeps back what nodes could not use.</summary>
internal static class Sendable
{
    /// <summary>A node refuses a whole view for one resource that it cannot use; nobody but us can name the object that is to blame.</summary>
    internal static bool Check(Resource resource, ICollection<string> warnings)
    {
        if (ResourceReader.TryRead(resource, out _, out var reason))
            return true;
        warnings.Add($"{reason}: nodes are not told of it");
        return false;
    }
}
