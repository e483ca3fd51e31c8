using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes;

/// <summary>A kind that somebody installed, by its CustomResourceDefinition.</summary>
/// <param name="Versions">Those that are served.</param>
/// <param name="IsEstablished">It is served by now.</param>
internal sealed record InstalledKind(string Name, string Group, string Plural, string DefinedKind, IReadOnlyList<string> Versions, bool IsEstablished, SourcePlace Place)
    : SourceObject("CustomResourceDefinition", "", Name, Place)
{
    /// <summary>With its group, as the model has it.</summary>
    internal string QualifiedKind => $"{Group}/{DefinedKind}";

    /// <exception cref="YamlFaultException">It has another form.</exception>
    internal static InstalledKind Read(Fields fields, SourcePlace place)
    {
        var spec = fields.Object("spec");
        var names = spec.Object("names");
        return new InstalledKind(fields.Object("metadata").Name("name", absent: null), spec.Text("group"), names.Text("plural"), names.Text("kind"),
            [.. spec.Objects("versions").Where(v => v.Flag("served") ?? false).Select(v => v.Text("name"))],
            fields.Object("status").Objects("conditions").Any(c => c.Text("type") == "Established" && c.Text("status") == "True"), place);
    }
}
