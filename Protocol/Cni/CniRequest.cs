using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;

namespace Ambient.Protocol.Cni;

/// <summary>
/// What the CNI plugin asks Redirector: one packet on a Unix SOCK_SEQPACKET socket that only root reaches, one answer, end. Text, so that
/// the plugin, which is started for every pod, carries no library for it:
/// <code>
/// ambient-cni/1 ADD
/// container 4f0c...            the sandbox
/// namespace shop               K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID
/// pod web-1
/// uid 0b6d...
/// netns /run/netns/cni-1       for people, and for standalone mode; the namespace itself comes as a descriptor beside the packet
/// address 10.0.0.7             each one of the previous result
/// annotation KEY VALUE         only those of <see cref="Annotations"/>
/// hold 10                      seconds that a node which has no order yet may wait for one
/// valid 4f0c...                GC: the sandboxes that are still there
/// </code>
/// </summary>
public sealed record CniRequest(CniCommand Command)
{
    /// <summary>Largest packet, in bytes: a GC on a node of a thousand pods.</summary>
    public const int MaxBytes = 128 * 1024;

    private const string FirstWord = "ambient-cni/1 ";
    private const int MaxValueLength = 4096, MaxAddresses = 64, MaxAnnotations = 16, MaxValid = 4096, MaxHoldSeconds = 3600;

    /// <summary>The sandbox's id, CNI_CONTAINERID.</summary>
    public string Container { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string Pod { get; init; } = "";

    /// <summary>Empty where the runtime does not tell it.</summary>
    public string Uid { get; init; } = "";

    /// <summary>CNI_NETNS.</summary>
    public string NetnsPath { get; init; } = "";

    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <summary>The pod's annotations that concern the mesh, where the runtime passes them.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>(0);

    /// <summary>How long a node without an order may let the pod wait for one, in seconds; 0 for not at all.</summary>
    public int HoldSeconds { get; init; }

    /// <summary>Sandboxes that are still there; for GC.</summary>
    public IReadOnlyList<string> Valid { get; init; } = [];

    /// <summary>Whether a value can be told: one line, no control characters, not endless.</summary>
    public static bool CanTell(string value) => value is not null && value.Length <= MaxValueLength && !value.Any(char.IsControl);

    public byte[] ToBytes()
    {
        var text = new StringBuilder(FirstWord).Append(NameOf(Command)).Append('\n');
        Line("container", Container);
        Line("namespace", Namespace);
        Line("pod", Pod);
        Line("uid", Uid);
        Line("netns", NetnsPath);
        foreach (var address in Addresses)
            Line("address", address.ToString());
        foreach (var (key, value) in Annotations)
            Line("annotation", $"{key} {value}");
        if (HoldSeconds > 0)
            Line("hold", HoldSeconds.ToString(CultureInfo.InvariantCulture));
        foreach (string valid in Valid)
            Line("valid", valid);
        return Encoding.UTF8.GetBytes(text.ToString());

        void Line(string key, string value)
        {
            if (value.Length > 0)
                text.Append(key).Append(' ').Append(CanTell(value) ? value : throw new ArgumentException($"{key} cannot be told")).Append('\n');
        }
    }

    /// <param name="fault">Why it is none; null on success.</param>
    public static bool TryRead(ReadOnlySpan<byte> packet, [NotNullWhen(true)] out CniRequest? request, [NotNullWhen(false)] out string? fault)
    {
        request = null;
        string[] lines = Encoding.UTF8.GetString(packet).Split('\n');
        if (!lines[0].StartsWith(FirstWord, StringComparison.Ordinal) || CommandOf(lines[0][FirstWord.Length..]) is not { } command)
        {
            fault = "not a request of version 1: are plugin and redirector of one release?";
            return false;
        }
        var addresses = new List<IPAddress>();
        var valid = new List<string>();
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal);
        var read = new CniRequest(command);
        foreach (string line in lines.Skip(1).Where(l => l.Length > 0))
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            string key = space < 0 ? line : line[..space], value = space < 0 ? "" : line[(space + 1)..];
            if (!CanTell(value))
            {
                fault = $"the value of {(CanTell(key) ? key : "a key")} is too long or holds control characters";
                return false;
            }
            switch (key)
            {
                case "container": read = read with { Container = value }; break;
                case "namespace": read = read with { Namespace = value }; break;
                case "pod": read = read with { Pod = value }; break;
                case "uid": read = read with { Uid = value }; break;
                case "netns": read = read with { NetnsPath = value }; break;
                case "address" when addresses.Count < MaxAddresses && IPAddress.TryParse(value, out var address): addresses.Add(address); break;
                case "annotation" when annotations.Count < MaxAnnotations && value.Split(' ', 2) is [var name, var text]: annotations[name] = text; break;
                case "hold" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int hold) && hold <= MaxHoldSeconds:
                    read = read with { HoldSeconds = hold };
                    break;
                case "valid" when valid.Count < MaxValid: valid.Add(value); break;
                case "address" or "annotation" or "hold" or "valid":
                    fault = $"{key}: not readable, or too many";
                    return false;
                default: break; // of a newer plugin
            }
        }
        request = read with { Addresses = addresses, Annotations = annotations, Valid = valid };
        fault = null;
        return true;
    }

    private static string NameOf(CniCommand command) => command switch
    {
        CniCommand.Add => "ADD",
        CniCommand.Delete => "DEL",
        CniCommand.Check => "CHECK",
        CniCommand.Collect => "GC",
    };

    private static CniCommand? CommandOf(string name) => name switch
    {
        "ADD" => CniCommand.Add,
        "DEL" => CniCommand.Delete,
        "CHECK" => CniCommand.Check,
        "GC" => CniCommand.Collect,
        _ => null,
    };
}
