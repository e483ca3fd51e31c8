using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ambient.Cni.Install;

/// <summary>A network as a file describes it: a list of plugins, or (an old form) a single one. Source: CNI specification 1.1.0, section 1.</summary>
internal sealed class NetworkList
{
    public const string PluginType = "ambient-cni";

    private readonly JsonObject _root;

    private NetworkList(JsonObject root, bool isSingle) => (_root, IsSingle) = (root, isSingle);

    /// <summary>It is of the old form.</summary>
    public bool IsSingle { get; }

    /// <summary>This plugin is in the list.</summary>
    public bool HasPlugin => Plugins.Any(IsOurs);

    private IEnumerable<JsonNode?> Plugins => IsSingle ? [] : (JsonArray)_root["plugins"]!;

    /// <param name="isSingle">The file's name says which form it is of, whatever it holds (libcni: ConfListFromFile for .conflist, else ConfFromFile).</param>
    /// <returns>Null for what is no network: a runtime passes over it too.</returns>
    public static NetworkList? Read(byte[] text, bool isSingle)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject root && (isSingle ? root["type"] is JsonValue : root["plugins"] is JsonArray { Count: > 0 }) ? new NetworkList(root, isSingle) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Puts this plugin at the end, in place of an entry of its own.</summary>
    /// <returns>Null when just this is there already.</returns>
    /// <exception cref="InvalidDataException">The network is of a version of the specification that knows no chains that this plugin could be in.</exception>
    public byte[]? With(JsonObject entry)
    {
        if (Text("cniVersion") is var version && !NetworkConfiguration.Versions.Contains(version))
            throw new InvalidDataException($"the network {Text("name")} has cniVersion '{version}', and ambient-cni speaks {string.Join(", ", NetworkConfiguration.Versions)}");
        if (!IsSingle && Plugins.Count(IsOurs) == 1 && JsonNode.DeepEquals(Plugins.Last(), entry))
            return null;
        var list = IsSingle ? AsList() : (JsonObject)_root.DeepClone();
        var plugins = (JsonArray)list["plugins"]!;
        RemoveOurs(plugins);
        plugins.Add((JsonNode)entry.DeepClone());
        return Write(list);
    }

    /// <summary>Takes this plugin out.</summary>
    public byte[] Without()
    {
        var list = (JsonObject)_root.DeepClone();
        RemoveOurs((JsonArray)list["plugins"]!);
        return Write(list);
    }

    private JsonObject AsList()
    {
        var plugin = (JsonObject)_root.DeepClone();
        var list = new JsonObject { ["cniVersion"] = plugin["cniVersion"]?.DeepClone(), ["name"] = plugin["name"]?.DeepClone() };
        list["plugins"] = new JsonArray(plugin);
        return list;
    }

    private string Text(string name) => _root[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static bool IsOurs(JsonNode? plugin) => plugin is JsonObject one && one["type"] is JsonValue type && type.TryGetValue(out string? text) && text == PluginType;

    private static void RemoveOurs(JsonArray plugins)
    {
        for (int i = plugins.Count - 1; i >= 0; i--)
            if (IsOurs(plugins[i]))
                plugins.RemoveAt(i);
    }

    private static byte[] Write(JsonObject list)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            list.WriteTo(json);
        bytes.Write(Encoding.UTF8.GetBytes("\n"));
        return bytes.ToArray();
    }
}
