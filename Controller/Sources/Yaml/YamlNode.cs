using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>A piece of a YAML document that remembers its line, so that every complaint can name it.</summary>
internal abstract record YamlNode(int Line);

/// <param name="IsPlain">Written without quotes, so that null, true and 5 mean what they say.</param>
internal sealed record YamlScalar(string Value, bool IsPlain, int Line) : YamlNode(Line)
{
    internal bool IsNull => IsPlain && Value is "" or "~" or "null";
}

internal sealed record YamlSequence(ImmutableArray<YamlNode> Items, int Line) : YamlNode(Line);

internal sealed record YamlMapping(IReadOnlyDictionary<string, YamlNode> Entries, int Line) : YamlNode(Line);
