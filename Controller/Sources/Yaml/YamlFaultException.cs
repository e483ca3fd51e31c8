namespace Ambient.Controller.Sources.Yaml;

/// <summary>A text is not what was expected; leaves the reader of one file and becomes a <see cref="SourceFault"/>.</summary>
/// <param name="line">From 1.</param>
internal sealed class YamlFaultException(int line, string message) : Exception(message)
{
    internal int Line { get; } = line;
}
