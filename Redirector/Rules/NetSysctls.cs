using System.Globalization;

namespace Ambient.Redirector.Rules;

/// <summary>
/// The kernel's settings of the network namespace that the calling thread is in, by files. A container's own /proc/sys cannot be written;
/// the machine's /proc/sys/net, mounted elsewhere, can, and shows each thread its own namespace all the same. Source: proc_sys_net(5).
/// </summary>
/// <param name="folder">Where they are: /proc/sys/net or a mount of it.</param>
internal sealed class NetSysctls(string folder)
{
    private readonly string _loose = $"{folder}/netfilter/nf_conntrack_tcp_loose", _markAccept = $"{folder}/ipv4/tcp_fwmark_accept",
        _markReflect = $"{folder}/ipv4/fwmark_reflect", _markReflectIpv6 = $"{folder}/ipv6/fwmark_reflect";

    /// <summary>Those that capture changes.</summary>
    public PodSettings Read() => new(Read(_loose), Read(_markAccept), Read(_markReflect), Read(_markReflectIpv6));

    /// <summary>The same, to be read again and again.</summary>
    public HeldSysctls Hold() => new([_loose, _markAccept, _markReflect, _markReflectIpv6]);

    /// <summary>Writes those that are not null, where the kernel has them.</summary>
    /// <exception cref="RulesException">One is there and may not be written.</exception>
    public void Write(PodSettings settings)
    {
        Write(_loose, settings.Loose);
        Write(_markAccept, settings.MarkAccept);
        Write(_markReflect, settings.MarkReflect);
        Write(_markReflectIpv6, settings.MarkReflectIpv6);
    }

    private static int? Read(string path)
    {
        try
        {
            return int.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static void Write(string path, int? value)
    {
        if (value is not { } number || !File.Exists(path)) return;
        try
        {
            File.WriteAllText(path, number.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new RulesException($"{path}: {e.Message}");
        }
    }
}
