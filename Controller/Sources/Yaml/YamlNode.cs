using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>A piece of a YAML document that remembers its line, so that every complaint can name it.</summary>
internal abstract record YamlNode(int Line)
{
    /// <summary>Values that it stands for, itself included and aliases followed: what reading it through costs.</summary>
    internal virtual long Weight => 1;
}

/// <param name="IsPlain">Written without quotes, so that null, true and 5 mean what they say.</param>
internal sealed record YamlScalar(string Value, bool IsPlain, int Line) : YamlNode(Line)
{
    internal bool IsNull => IsPlain && Value is "" or "~" or "null";
}

internal sealed record YamlSequence(ImmutableArray<YamlNode> Items, int Line) : YamlNode(Line)
{
    internal override long Weight { get; } = 1 + Items.Sum(item => item.Weight);
}

internal sealed record YamlMapping(IReadOnlyDictionary<string, YamlNode> Entries, int Line) : YamlNode(Line)
{
    internal override long Weight { get; } = 1 + Entries.Values.Sum(value => value.Weight);
}
