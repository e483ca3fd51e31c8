using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Sources;

/// <summary>
/// What a file says, document by document. A later text of the file is read only where it differs, and what did not change
/// stays the very objects that it was, by which the model knows it. Immutable.
/// </summary>
internal sealed class ParsedFile
{
    private readonly Dictionary<UInt128, Document> _documents = [];

    private ParsedFile()
    {
    }

    internal static ParsedFile Empty { get; } = new();

    internal ImmutableArray<SourceObject> Objects { get; private init; } = [];

    internal ImmutableArray<string> UnknownKinds { get; private init; } = [];

    /// <summary>Reads what the file says now.</summary>
    /// <exception cref="YamlFaultException">A part of it cannot be read: then it says nothing new at all.</exception>
    internal ParsedFile Next(string name, string text)
    {
        var documents = new Dictionary<UInt128, Document>();
        var inOrder = new List<Document>();
        foreach (var piece in YamlPieces.Of(text))
        {
            var own = text.AsSpan(piece.Start, piece.Length);
            var hash = MemoryMarshal.Read<UInt128>(SHA256.HashData(MemoryMarshal.AsBytes(own)));
            var document = _documents.TryGetValue(hash, out var known) ? known.At(piece.LinesBefore) : Read(name, own.ToString(), piece.LinesBefore);
            documents[hash] = document;
            inOrder.Add(document);
        }
        var next = new ParsedFile
        {
            Objects = [.. inOrder.SelectMany(d => d.Objects)],
            UnknownKinds = [.. inOrder.SelectMany(d => d.UnknownKinds).Distinct().Order(StringComparer.Ordinal)],
        };
        foreach (var (hash, document) in documents)
            next._documents.Add(hash, document);
        return next;
    }

    private static Document Read(string name, string text, int linesBefore)
    {
        var reader = new ObjectReader(name);
        try
        {
            foreach (var document in YamlDocuments.Read(text))
                reader.Read(document);
        }
        catch (YamlFaultException e) when (linesBefore > 0)
        {
            throw new YamlFaultException(linesBefore + e.Line, e.Message);
        }
        return new Document(0, reader.Objects, [.. reader.UnknownKinds]).At(linesBefore);
    }

    private sealed record Document(int LinesBefore, ImmutableArray<SourceObject> Objects, ImmutableArray<string> UnknownKinds)
    {
        // Lines above it that came or went leave it the same but for its place.
        internal Document At(int lines) => lines == LinesBefore
            ? this
            : new Document(lines, [.. Objects.Select(o => o with { Place = o.Place with { Line = o.Place.Line + lines - LinesBefore } })], UnknownKinds);
    }
}
