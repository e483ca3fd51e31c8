using System.Collections.Immutable;
using System.Text;

namespace Ambient.Cli.Deploy;

/// <summary>The one source of all manifests: the chart's templates and values, as this program carries them.</summary>
internal static class Chart
{
    /// <summary>In the order in which they are applied: what a later one needs comes earlier.</summary>
    public static ImmutableArray<string> Names { get; } =
    [
        "namespace.yaml", "crd-accesspolicies.yaml", "crd-meshconfigs.yaml", "crd-meshnodes.yaml", "controller-rbac.yaml", "guard.yaml", "user-rbac.yaml", "controller.yaml",
        "node.yaml", "redirector.yaml", "podmonitor.yaml",
    ];

    /// <summary>The defaults.</summary>
    public static ChartValues Defaults { get; } = ChartValues.Parse(Resource("values.yaml"));

    /// <summary>Fills in every template.</summary>
    /// <returns>By name; those without an object, since the values leave it out, are not there.</returns>
    public static IReadOnlyList<(string Name, string Text)> Render(ChartValues values) =>
        [.. Names.Select(name => (Name: name, Text: ChartTemplate.Render(name, Resource($"chart/{name}"), values))).Where(file => file.Text.Trim().Length > 0)];

    /// <summary>All of them as one text.</summary>
    public static string Whole(ChartValues values, string head)
    {
        var whole = new StringBuilder(head);
        foreach (var (_, text) in Render(values)) whole.Append(whole.Length > head.Length ? "---\n" : "").Append(text);
        return whole.ToString();
    }

    private static string Resource(string name)
    {
        using var stream = typeof(Chart).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"this program was built without {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
