using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Reads a text of many documents into nodes. Built on parser events rather than on YamlDotNet's own tree, so that
/// depth is bounded, a key given twice is a fault, and nothing depends on reflection.
/// </summary>
internal static class YamlDocuments
{
    /// <summary>Deepest nesting. Kubernetes objects stay below 20.</summary>
    internal const int MaxDepth = 64;

    /// <summary>Values that all aliases of a text may stand for together. A file that shares labels between a thousand pods uses some thousands.</summary>
    internal const long MaxExpanded = 200_000;

    /// <exception cref="YamlFaultException">The text is no YAML, is nested too deeply, or repeats a key.</exception>
    internal static ImmutableArray<YamlNode> Read(string text)
    {
        var documents = ImmutableArray.CreateBuilder<YamlNode>();
        var scanner = new Scanner(new StringReader(text), skipComments: true);
        try
        {
            var parser = new Parser(scanner);
            var anchors = new Anchors();
            while (parser.MoveNext())
            {
                if (parser.Current is not DocumentStart)
                    continue;
                anchors.Known.Clear();
                parser.MoveNext();
                var root = ReadNode(parser, anchors, depth: 0);
                if (root is not YamlScalar { IsNull: true })
                    documents.Add(root);
            }
        }
        catch (YamlException e)
        {
            throw new YamlFaultException((int)e.Start.Line, $"expected YAML: {e.Message}");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What the parser throws for some texts that are no YAML (found by changing good ones at random).
            throw new YamlFaultException((int)scanner.CurrentPosition.Line, $"expected YAML: {e.Message}");
        }
        return documents.DrainToImmutable();
    }

    // Stands on the node's first event and leaves on its last.
    private static YamlNode ReadNode(Parser parser, Anchors anchors, int depth)
    {
        var start = parser.Current!;
        var line = (int)start.Start.Line;
        if (depth > MaxDepth)
            throw new YamlFaultException(line, $"expected at most {MaxDepth} levels of nesting");

        YamlNode node;
        switch (start)
        {
            case AnchorAlias alias:
                // An anchor is known only once its node is complete: a cycle cannot arise.
                if (!anchors.Known.TryGetValue(alias.Value.Value, out var target))
                    throw new YamlFaultException(line, $"expected an anchor &{alias.Value.Value} before this line");
                // Ten aliases of ten aliases of ten...: the text is short, and reading through what it stands for would never end.
                anchors.Expanded += target.Weight;
                return anchors.Expanded <= MaxExpanded
                    ? target
                    : throw new YamlFaultException(line, $"expected aliases that stand for at most {MaxExpanded} values");
            case Scalar scalar:
                node = new YamlScalar(scalar.Value, scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty, line);
                break;
            case SequenceStart:
                node = ReadSequence(parser, anchors, depth, line);
                break;
            case MappingStart:
                node = ReadMapping(parser, anchors, depth, line);
                break;
            default:
                throw new YamlFaultException(line, "expected a value");
        }
        if (start is NodeEvent { Anchor.IsEmpty: false } anchored)
            anchors.Known[anchored.Anchor.Value] = node;
        return node;
    }

    private static YamlSequence ReadSequence(Parser parser, Anchors anchors, int depth, int line)
    {
        var items = ImmutableArray.CreateBuilder<YamlNode>();
        while (parser.MoveNext() && parser.Current is not SequenceEnd)
            items.Add(ReadNode(parser, anchors, depth + 1));
        return new YamlSequence(items.DrainToImmutable(), line);
    }

    private static YamlMapping ReadMapping(Parser parser, Anchors anchors, int depth, int line)
    {
        var entries = new Dictionary<string, YamlNode>();
        while (parser.MoveNext() && parser.Current is not MappingEnd)
        {
            var keyLine = (int)parser.Current!.Start.Line;
            if (ReadNode(parser, anchors, depth + 1) is not YamlScalar key)
                throw new YamlFaultException(keyLine, "expected a plain key");
            parser.MoveNext();
            if (!entries.TryAdd(key.Value, ReadNode(parser, anchors, depth + 1)))
                throw new YamlFaultException(keyLine, $"expected the key {key.Value} only once");
        }
        return new YamlMapping(entries, line);
    }

    private sealed class Anchors
    {
        internal Dictionary<string, YamlNode> Known { get; } = [];

        internal long Expanded { get; set; }
    }
}
