using System.Text.Json;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>Reads one page of a list.</summary>
/// <param name="item">Told each object as it is read.</param>
internal sealed class ListReader(ObjectDecoder decoder, Action<DecodedObject> item)
{
    private enum Place { Before, InList, InItems, Behind }

    private Place _place;

    /// <summary>The revision of the whole list; empty until it was read.</summary>
    internal string Version { get; private set; } = "";

    /// <summary>What to ask for the next page by; empty for the last one.</summary>
    internal string Continue { get; private set; } = "";

    /// <summary>Whether the list was read to its end.</summary>
    internal bool IsComplete => _place == Place.Behind;

    /// <inheritdoc cref="JsonInput.Piece"/>
    /// <exception cref="JsonException">It is no list.</exception>
    internal bool ReadPiece(ref Utf8JsonReader reader)
    {
        var next = reader;
        switch (_place)
        {
            case Place.Before:
                if (!next.Read())
                    return true;
                if (next.TokenType != JsonTokenType.StartObject)
                    throw new JsonException("expected a list");
                _place = Place.InList;
                break;
            case Place.InList:
                if (!next.Read())
                    return true;
                if (next.TokenType == JsonTokenType.EndObject)
                    _place = Place.Behind;
                else if (!ReadField(ref next))
                    return true;
                break;
            case Place.InItems:
                if (!next.Read())
                    return true;
                if (next.TokenType == JsonTokenType.EndArray)
                {
                    _place = Place.InList;
                    break;
                }
                if (!JsonInput.HasWholeValue(reader))
                    return true;
                if (next.TokenType != JsonTokenType.StartObject)
                    throw new JsonException("expected objects in a list");
                item(decoder.Read(ref next));
                break;
            case Place.Behind:
                return false;
        }
        reader = next;
        return _place != Place.Behind;
    }

    // Stands on the field's name.
    private bool ReadField(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("items"u8))
        {
            if (!reader.Read())
                return false;
            // Go writes an empty list as null.
            if (reader.TokenType == JsonTokenType.StartArray)
                _place = Place.InItems;
            return true;
        }
        if (!JsonInput.HasWholeValue(reader))
            return false;
        if (!reader.ValueTextEquals("metadata"u8))
        {
            reader.Read();
            reader.TrySkip();
            return true;
        }
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isVersion, isContinue) = (reader.ValueTextEquals("resourceVersion"u8), reader.ValueTextEquals("continue"u8));
            reader.Read();
            if (isVersion)
                Version = reader.GetString() ?? "";
            else if (isContinue)
                Continue = reader.GetString() ?? "";
            else
                reader.TrySkip();
        }
        return true;
    }
}
