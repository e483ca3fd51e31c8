using System.Collections.Frozen;
using System.Collections.Immutable;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>What the containers of a pod say, which many pods have in common.</summary>
/// <param name="NamedPorts">Container ports for TCP that have a name.</param>
/// <param name="Probes">What kubelet asks of them.</param>
internal sealed record ContainerParts(FrozenDictionary<string, int> NamedPorts, ImmutableArray<Probe> Probes)
{
    /// <summary>Reads containers, and the sidecars among the init containers.</summary>
    /// <exception cref="YamlFaultException">A field has another form.</exception>
    internal static ContainerParts Read(Fields spec)
    {
        var containers = spec.Made("containers", () => Of(spec.Objects("containers")));
        Fields[] sidecars = [.. spec.Objects("initContainers").Where(c => c.Text("restartPolicy") == "Always")];
        return sidecars.Length == 0 ? containers : Of(spec.Objects("containers").Concat(sidecars));
    }

    private static ContainerParts Of(IEnumerable<Fields> containers) => new(NamedPortsOf(containers), PodProbeReader.Read(containers));

    // As FindPort of Kubernetes (k8s.io/endpointslice): the first of that name and protocol, sidecars last. A UDP port may have the same name
    // in another container.
    private static FrozenDictionary<string, int> NamedPortsOf(IEnumerable<Fields> containers)
    {
        var namedPorts = new Dictionary<string, int>();
        foreach (var port in containers.SelectMany(c => c.Objects("ports")).Where(port => port.Text("protocol", "TCP") == "TCP"))
        {
            if (port.Text("name") is { Length: > 0 } name && port.Number("containerPort", 1, 65535) is { } number)
                namedPorts.TryAdd(name, number);
        }
        return namedPorts.ToFrozenDictionary();
    }
}
