namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Reads a MeshConfig. A field that is not known, or without a value, is a fault like a wrong value: it was meant to say something, and
/// whatever the mesh would do without it could be weaker than what was meant.
/// </summary>
internal static class MeshConfigReader
{
    /// <exception cref="YamlFaultException">What it says is not all understood.</exception>
    internal static MeshConfigObject Read(Fields fields, SourcePlace place)
    {
        fields.Only("apiVersion", "kind", "metadata", "spec", "status");
        var spec = fields.Object("spec");
        spec.Only("trustDomain", "podRanges", "serviceRanges", "mode", "direct", "tunnelPort", "drainSeconds", "reach");
        var trustDomain = spec.Has("trustDomain") ? spec.Text("trustDomain") : null;
        if (trustDomain is not null && !Protocol.Identity.SpiffeId.IsTrustDomain(trustDomain, out _))
            throw spec.Expected("trustDomain", "a trust domain of a-z, 0-9, '.', '-' and '_'");
        return new MeshConfigObject(fields.Object("metadata").Name("name", "default"), trustDomain, spec.Ranges("podRanges"), spec.Ranges("serviceRanges"),
            spec.Text("mode") switch
            {
                "" => null,
                "STRICT" => true,
                "PERMISSIVE" => false,
                _ => throw spec.Expected("mode", "STRICT or PERMISSIVE"),
            },
            spec.Flag("direct"), spec.Number("drainSeconds", 0, 86_400), place)
        {
            TunnelOnOriginalPort = spec.Text("tunnelPort") switch
            {
                "" => null,
                "original" => true,
                "hbone" => false,
                _ => throw spec.Expected("tunnelPort", "original or hbone"),
            },
            Reach = ReachReader.Read(spec),
        };
    }
}
