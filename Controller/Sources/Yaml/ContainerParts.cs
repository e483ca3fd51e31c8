using System.Collections.Frozen;
using System.Collections.Immutable;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>What the containers of a pod say, which many pods have in common.</summary>
/// <param name="Probes">Of the containers alone; sidecars among the init containers have their own.</param>
internal sealed record ContainerParts(FrozenDictionary<string, int> NamedPorts, ImmutableArray<Probe> Probes)
{
    /// <exception cref="YamlFaultException">A field has another form.</exception>
    internal static ContainerParts Read(Fields spec)
    {
        var namedPorts = new Dictionary<string, int>();
        foreach (var port in spec.Objects("containers").SelectMany(c => c.Objects("ports")))
        {
            if (port.Text("name") is { Length: > 0 } name && port.Number("containerPort", 1, 65535) is { } number)
                namedPorts.TryAdd(name, number);
        }
        return new ContainerParts(namedPorts.ToFrozenDictionary(), PodProbeReader.ReadContainers(spec));
    }
}
