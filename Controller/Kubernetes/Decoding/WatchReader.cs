using System.Text.Json;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>Reads the events of a watch.</summary>
/// <param name="happened">Told each event as it is read; false to read no more.</param>
internal sealed class WatchReader(ObjectDecoder decoder, Func<WatchEvent, bool> happened)
{
    /// <inheritdoc cref="JsonInput.Piece"/>
    /// <exception cref="JsonException">It is no event.</exception>
    internal bool ReadPiece(ref Utf8JsonReader reader)
    {
        if (!JsonInput.HasWholeValue(reader))
            return true;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("expected an event");
        WatchEventKind? kind = null;
        DecodedObject item = default;
        var error = (Code: 0, Message: "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isObject) = (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("object"u8));
            reader.Read();
            if (isType)
                kind = KindOf(reader.GetString());
            // The type comes first, as every server writes it: what the object is depends on it.
            else if (isObject && kind == WatchEventKind.Error)
                error = ReadStatus(ref reader);
            else if (isObject && reader.TokenType == JsonTokenType.StartObject && kind is not null)
                item = decoder.Read(ref reader);
            else if (isObject)
                throw new JsonException("expected the type of an event before its object");
            else
                reader.TrySkip();
        }
        return happened(new WatchEvent(kind ?? throw new JsonException("expected the type of an event"), item, error));
    }

    private static WatchEventKind KindOf(string? type) => type switch
    {
        "ADDED" => WatchEventKind.Added,
        "MODIFIED" => WatchEventKind.Modified,
        "DELETED" => WatchEventKind.Deleted,
        "BOOKMARK" => WatchEventKind.Bookmark,
        "ERROR" => WatchEventKind.Error,
        _ => throw new JsonException("expected ADDED, MODIFIED, DELETED, BOOKMARK or ERROR"),
    };

    private static (int, string) ReadStatus(ref Utf8JsonReader reader)
    {
        var (code, message) = (0, "");
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.TrySkip();
            return (code, message);
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isCode, isMessage) = (reader.ValueTextEquals("code"u8), reader.ValueTextEquals("message"u8));
            reader.Read();
            if (isCode && reader.TokenType == JsonTokenType.Number)
                reader.TryGetInt32(out code);
            else if (isMessage && reader.TokenType == JsonTokenType.String)
                message = reader.GetString()!;
            else
                reader.TrySkip();
        }
        return (code, message.Length > Access.ApiRefusal.MaxMessage ? message[..Access.ApiRefusal.MaxMessage] : message);
    }
}
