using System.Globalization;

namespace Ambient.Redirector.Rules;

/// <summary>
/// net.netfilter.nf_conntrack_tcp_loose of the calling thread's namespace. 0 keeps conntrack from adopting connections from before
/// capture, whose entries would then outlive them by days. Source: nf_conntrack-sysctl.rst.
/// </summary>
internal static class ConntrackLoose
{
    private const string Path = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

    public const int Captured = 0;

    /// <returns>Null while the conntrack module is not loaded.</returns>
    public static int? Read()
    {
        try
        {
            return int.Parse(File.ReadAllText(Path), CultureInfo.InvariantCulture);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <exception cref="RulesException">The file is there and may not be written.</exception>
    public static void Write(int value)
    {
        try
        {
            File.WriteAllText(Path, value.ToString(CultureInfo.InvariantCulture));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RulesException($"{Path}: {e.Message}");
        }
    }
}
