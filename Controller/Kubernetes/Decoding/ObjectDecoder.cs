using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>
/// Reads one object out of JSON in a single pass: what its kind's shape names becomes nodes (the same that YAML becomes, so that a field
/// means the same in both), and all else is passed over. Owned by one thread.
/// </summary>
internal sealed class ObjectDecoder(string apiVersion, string kind, JsonShape shape)
{
    /// <summary>Deepest nesting of what is kept. Kubernetes objects stay below 20.</summary>
    internal const int MaxDepth = 64;

    /// <summary>Longest text that is kept, in bytes. Kubernetes allows 256 KiB for all annotations of an object.</summary>
    private const int MaxTextBytes = 256 * 1024;

    private static readonly YamlMapping Nothing = new(new Dictionary<string, YamlNode>(), 0);
    private readonly TextCache _texts = new();
    private readonly ArrayBufferWriter<byte> _kept = new(4096);
    private readonly YamlScalar _apiVersion = new(apiVersion, IsPlain: false, 0);
    private readonly YamlScalar _kind = new(kind, IsPlain: false, 0);
    private string _version = "";

    /// <summary>Reads the object that the reader stands at the beginning of, and leaves it at the end.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    internal DecodedObject Read(ref Utf8JsonReader reader)
    {
        _version = "";
        _kept.Clear();
        var start = reader;
        string? fault = null;
        var content = Nothing;
        try
        {
            content = ReadMapping(ref reader, shape, depth: 0);
        }
        catch (YamlFaultException e)
        {
            // The object is to be named all the same, and those behind it are to be read.
            fault = e.Message;
            reader = start;
            content = ReadNames(ref reader);
        }
        var metadata = content.Entries.GetValueOrDefault("metadata") as YamlMapping ?? Nothing;
        var digest = MemoryMarshal.Read<UInt128>(SHA256.HashData(_kept.WrittenSpan));
        return new DecodedObject(TextOf(metadata, "namespace"), TextOf(metadata, "name"), _version, content, digest, fault);
    }

    private YamlNode ReadNode(ref Utf8JsonReader reader, JsonShape shape, int depth, bool isMetadata = false)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: return ReadMapping(ref reader, shape, depth + 1, isMetadata);
            case JsonTokenType.StartArray: return ReadSequence(ref reader, shape, depth + 1);
            case JsonTokenType.String:
                Note((byte)'"');
                return new YamlScalar(ReadText(ref reader), IsPlain: false, 0);
            case JsonTokenType.Number:
                Note((byte)'#');
                return new YamlScalar(ReadText(ref reader), IsPlain: true, 0);
            case JsonTokenType.True:
                Note((byte)'t');
                return new YamlScalar("true", IsPlain: true, 0);
            case JsonTokenType.False:
                Note((byte)'f');
                return new YamlScalar("false", IsPlain: true, 0);
            default:
                Note((byte)'n');
                return new YamlScalar("null", IsPlain: true, 0);
        }
    }

    private YamlMapping ReadMapping(ref Utf8JsonReader reader, JsonShape shape, int depth, bool isMetadata = false)
    {
        Deeper(depth);
        Note((byte)'{');
        var entries = new Dictionary<string, YamlNode>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (isMetadata && reader.ValueTextEquals("resourceVersion"u8))
            {
                reader.Read();
                _version = reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
                continue;
            }
            if ((isMetadata && reader.ValueTextEquals("managedFields"u8)) || shape.Find(ref reader) is not { } inner)
            {
                reader.Read();
                reader.TrySkip();
                continue;
            }
            var name = ReadText(ref reader);
            reader.Read();
            if (!entries.TryAdd(name, ReadNode(ref reader, inner, depth, isMetadata: depth == 0 && name == "metadata")))
                throw new YamlFaultException(0, $"expected the key {name} only once");
        }
        Note((byte)'}');
        if (depth == 0)
        {
            // Items of a list of a built-in kind do not say what they are.
            entries.TryAdd("apiVersion", _apiVersion);
            entries.TryAdd("kind", _kind);
        }
        return new YamlMapping(entries, 0);
    }

    private YamlSequence ReadSequence(ref Utf8JsonReader reader, JsonShape shape, int depth)
    {
        Deeper(depth);
        Note((byte)'[');
        var items = new List<YamlNode>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            items.Add(ReadNode(ref reader, shape, depth));
        Note((byte)']');
        return new YamlSequence([.. items], 0);
    }

    private string ReadText(ref Utf8JsonReader reader)
    {
        var length = reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length;
        if (length > MaxTextBytes)
            throw new YamlFaultException(0, $"expected texts of at most {MaxTextBytes >> 10} KiB");
        // Never longer unescaped than escaped. Behind each text its end, which no UTF-8 has in it.
        var room = _kept.GetSpan((int)length + 1);
        var written = length;
        if (reader.TokenType == JsonTokenType.Number)
            (reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan).CopyTo(room);
        else
            written = reader.CopyString(room);
        room[(int)written] = 0xff;
        _kept.Advance((int)written + 1);
        return _texts.Of(room[..(int)written]);
    }

    // Metadata's name and namespace, with nothing that could be wrong about them.
    private YamlMapping ReadNames(ref Utf8JsonReader reader)
    {
        var names = new Dictionary<string, YamlNode>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (!isMetadata || reader.TokenType != JsonTokenType.StartObject)
            {
                reader.TrySkip();
                continue;
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var field = reader.ValueTextEquals("name"u8) ? "name" : reader.ValueTextEquals("namespace"u8) ? "namespace"
                    : reader.ValueTextEquals("resourceVersion"u8) ? "resourceVersion" : null;
                reader.Read();
                if (field == "resourceVersion" && reader.TokenType == JsonTokenType.String)
                    _version = reader.GetString()!;
                else if (field is not null && reader.TokenType == JsonTokenType.String)
                    names[field] = new YamlScalar(reader.GetString()!, IsPlain: false, 0);
                else
                    reader.TrySkip();
            }
        }
        return new YamlMapping(new Dictionary<string, YamlNode> { ["metadata"] = new YamlMapping(names, 0) }, 0);
    }

    private static void Deeper(int depth)
    {
        if (depth > MaxDepth)
            throw new YamlFaultException(0, $"expected at most {MaxDepth} levels of nesting");
    }

    private void Note(byte mark)
    {
        _kept.GetSpan(1)[0] = mark;
        _kept.Advance(1);
    }

    private static string TextOf(YamlMapping mapping, string name) => (mapping.Entries.GetValueOrDefault(name) as YamlScalar)?.Value ?? "";
}
