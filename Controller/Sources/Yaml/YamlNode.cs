using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>A piece of a YAML document that remembers its line, so that every complaint can name it.</summary>
internal abstract record YamlNode(int Line)
{
    /// <summary>Values that it stands for, itself included and aliases followed: what reading it through costs.</summary>
    internal virtual long Weight => 1;

    private object? _made;

    /// <summary>What a reader makes of the node, made once: a node never changes, and may be part of many objects.</summary>
    /// <typeparam name="T">Immutable. A node has room for one such type.</typeparam>
    internal T Made<T>(Func<T> make)
        where T : class
    {
        if (_made is T made)
            return made;
        made = make();
        _made = made;
        return made;
    }
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
