using System.Net;
using System.Text.Json;

namespace Ambient.Cni;

/// <summary>What the runtime says on standard input: this plugin's entry of the network's list, with what the runtime adds to it.</summary>
internal sealed class NetworkConfiguration : IDisposable
{
    /// <summary>Versions of the specification that this plugin speaks.</summary>
    public static readonly string[] Versions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    private const int MaxBytes = 4 << 20;
    private const string AnnotationsCapability = "io.kubernetes.cri.pod-annotations";

    private readonly JsonDocument _document;

    private NetworkConfiguration(JsonDocument document) => _document = document;

    /// <summary>As the network says it; errors are told in it.</summary>
    public string Version => Text("cniVersion", "");

    /// <summary>This plugin speaks that version.</summary>
    public bool IsSpoken => Versions.Contains(Version);

    /// <summary>Redirector's socket.</summary>
    public string Socket => Text("socket", "/run/ambient/cni/cni.sock");

    /// <summary>Where Redirector keeps the enrolled namespaces.</summary>
    public string EnrolledFile => Text("enrolledFile", "/var/lib/ambient/enrolled-namespaces");

    /// <summary>How long a pod may be held on a node that has never had an order, in seconds.</summary>
    public int StrictBootSeconds =>
        _document.RootElement.TryGetProperty("strictBootSeconds", out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int seconds)
            ? Math.Clamp(seconds, 0, 600) : 0;

    /// <summary>Namespaces whose pods nobody is asked about.</summary>
    public IReadOnlySet<string> ExcludedNamespaces => Protocol.Model.ExcludedNamespaces.With(
        _document.RootElement.TryGetProperty("excludedNamespaces", out var names) && names.ValueKind == JsonValueKind.Array
            ? names.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(n => n.GetString()!) : []);

    /// <summary>The result of the plugin before, as it stands in the input; null for none.</summary>
    public JsonElement? PreviousResult =>
        _document.RootElement.TryGetProperty("prevResult", out var result) && result.ValueKind == JsonValueKind.Object ? result : null;

    /// <summary>The pod's addresses of the previous result. Source: CNI specification 1.1.0, section 5, "ADD Success".</summary>
    public IReadOnlyList<IPAddress> Addresses
    {
        get
        {
            var addresses = new List<IPAddress>();
            if (PreviousResult is not { } result || !result.TryGetProperty("ips", out var list) || list.ValueKind != JsonValueKind.Array)
                return addresses;
            foreach (var one in list.EnumerateArray())
                if (one.ValueKind == JsonValueKind.Object && one.TryGetProperty("address", out var text) && text.ValueKind == JsonValueKind.String
                    && IPAddress.TryParse(text.GetString()!.Split('/')[0], out var address))
                    addresses.Add(address);
            return addresses;
        }
    }

    /// <summary>Annotations of the pod that concern the mesh, where the runtime passes annotations at all.</summary>
    public IReadOnlyDictionary<string, string> Annotations
    {
        get
        {
            var found = new Dictionary<string, string>(StringComparer.Ordinal);
            if (_document.RootElement.TryGetProperty("runtimeConfig", out var runtime) && runtime.ValueKind == JsonValueKind.Object
                && runtime.TryGetProperty(AnnotationsCapability, out var all) && all.ValueKind == JsonValueKind.Object)
                foreach (var one in all.EnumerateObject())
                    if (one.Name.StartsWith("ambient.mesh/", StringComparison.Ordinal) && one.Value.ValueKind == JsonValueKind.String)
                        found[one.Name] = one.Value.GetString()!;
            return found;
        }
    }

    /// <summary>GC: sandboxes that are still there; null where the runtime does not say.</summary>
    public IReadOnlyList<string>? ValidContainers =>
        _document.RootElement.TryGetProperty("cni.dev/valid-attachments", out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(a => a.ValueKind == JsonValueKind.Object && a.TryGetProperty("containerID", out var id) && id.ValueKind == JsonValueKind.String)
                .Select(a => a.GetProperty("containerID").GetString()!).Distinct(StringComparer.Ordinal)]
            : null;

    /// <exception cref="CniException">It is too long.</exception>
    public static byte[] ReadAll(Stream input)
    {
        var bytes = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = input.Read(buffer)) > 0;)
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > MaxBytes)
                throw new CniException(CniException.CannotDecode, $"the network configuration has more than {MaxBytes} bytes");
        }
        return bytes.ToArray();
    }

    /// <exception cref="CniException">It is no JSON object.</exception>
    public static NetworkConfiguration Parse(byte[] text)
    {
        try
        {
            var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object ? new NetworkConfiguration(document)
                : throw new CniException(CniException.CannotDecode, "the network configuration is no JSON object");
        }
        catch (JsonException e)
        {
            throw new CniException(CniException.CannotDecode, "the network configuration is no JSON", e.Message);
        }
    }

    /// <exception cref="CniException">It speaks another version of the specification.</exception>
    public void RequireVersion()
    {
        if (!IsSpoken)
            throw new CniException(CniException.IncompatibleVersion, $"the network has cniVersion '{Version}'", $"supported: {string.Join(", ", Versions)}");
    }

    public void Dispose() => _document.Dispose();

    private string Text(string name, string byDefault) =>
        _document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : byDefault;
}
