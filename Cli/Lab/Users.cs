using System.Globalization;

namespace Ambient.Cli.Lab;

/// <summary>
/// As whom the unprivileged processes run. On a machine of one's own each has a user; in a user namespace of an ordinary user there may
/// be only one, and then NodeProxy is root by name and without any capability.
/// </summary>
/// <param name="NodeProxy">User of NodeProxy; null if there is only one user.</param>
/// <param name="Controller">User of the controller; null if there is only one user.</param>
internal sealed record Users(int? NodeProxy, int? Controller)
{
    /// <summary>What this user namespace has. user_namespaces(7), uid_map.</summary>
    public static Users OfThisNamespace() => From(File.ReadLines("/proc/self/uid_map"));

    /// <summary>The same from the lines of the map: first id here, first id outside, how many.</summary>
    internal static Users From(IEnumerable<string> map)
    {
        var ranges = map.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray()).ToList();
        bool Has(int id) => ranges.Any(range => id >= range[0] && id < range[0] + range[2]);
        // The numbers of the packages; 1001 and 1002 where a namespace has fewer.
        if (Has(65532) && Has(65531)) return new Users(65532, 65531);
        return Has(1001) && Has(1002) ? new Users(1001, 1002) : new Users(null, null);
    }
}
