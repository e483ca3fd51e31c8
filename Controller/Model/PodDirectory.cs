using System.Net;

namespace Ambient.Controller.Model;

/// <summary>Finds pods by name and by address. Made when first asked: only slices ask, and a folder of YAML mostly has none.</summary>
internal sealed class PodDirectory(List<PlacedPod> pods)
{
    private Dictionary<(string Namespace, string Name), PlacedPod>? _byName;
    private Dictionary<IPAddress, PlacedPod>? _byAddress;

    /// <summary>The pod of a name; null if there is none.</summary>
    internal PlacedPod? Named(string ns, string name) => (_byName ??= pods.ToDictionary(p => (p.Pod.Namespace, p.Pod.Name))).GetValueOrDefault((ns, name));

    /// <summary>The pod that has an address for itself; null if there is none.</summary>
    internal PlacedPod? At(IPAddress address)
    {
        if (_byAddress is null)
        {
            _byAddress = [];
            foreach (var pod in pods.Where(p => !p.Pod.HostNetwork))
            {
                foreach (var own in pod.Addresses)
                    _byAddress.TryAdd(own, pod);
            }
        }
        return _byAddress.GetValueOrDefault(address);
    }
}
