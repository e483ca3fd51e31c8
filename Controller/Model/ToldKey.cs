using System.Net;

namespace Ambient.Controller.Model;

/// <summary>The key of a resource (<c>mesh.proto</c>), in two parts, so that a million endpoints need not have that text each.</summary>
/// <param name="Path">The key; of an endpoint all that stands before its address, which is one text for all endpoints of a service.</param>
/// <param name="Address">Of an endpoint; else null.</param>
internal readonly record struct ToldKey(string Path, IPAddress? Address = null)
{
    public static implicit operator ToldKey(string key) => new(key);

    /// <summary>As nodes are told of it.</summary>
    public override string ToString() => Address is null ? Path : $"{Path}{Address}";
}
