using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>A service of one test in the shop's mesh: its endpoints stand in slices, as a cluster would write them.</summary>
internal sealed class OwnService : IDisposable
{
    private readonly Lab _lab;
    private readonly string _name = $"own-{Guid.NewGuid():N}";
    private readonly int _number = RandomNumberGenerator.GetInt32(40_000);   // nodes may still know the service of the test before

    private OwnService(Lab lab) => _lab = lab;

    /// <summary>Its IPv4 address.</summary>
    public IPAddress V4 => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"10.96.{1 + (_number / 200)}.{1 + (_number % 200)}"));

    /// <summary>Its IPv6 address.</summary>
    public IPAddress V6 => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd00:96::1:{_number:x}"));

    private string File => $"{_name}.yaml";

    /// <summary>Its address of a family.</summary>
    public IPAddress Of(AddressFamily family) => family == AddressFamily.InterNetwork ? V4 : V6;

    /// <summary>Makes a service with port 80 over addresses that listen on <see cref="Plans.AppPort"/>; every node knows it when this returns.</summary>
    /// <param name="spec">Lines of its spec beside addresses and ports, as a flow mapping without braces.</param>
    /// <param name="ports">Its ports, if other than TCP 80.</param>
    public static async Task<OwnService> MakeAsync(Lab lab, IEnumerable<IPAddress> endpoints, string spec = "", string ports = "{name: tcp, port: 80}")
    {
        var service = new OwnService(lab);
        await service.ChangeAsync(endpoints, spec, ports);
        return service;
    }

    /// <summary>Both addresses of pods.</summary>
    public static IEnumerable<IPAddress> AddressesOf(Lab lab, params string[] pods) => pods.Select(lab.Plan.Pod).SelectMany(pod => new[] { pod.V4, pod.V6 });

    /// <summary>Writes it anew; every connected node knows it when this returns.</summary>
    public async Task ChangeAsync(IEnumerable<IPAddress> endpoints, string spec = "", string ports = "{name: tcp, port: 80}")
    {
        var addresses = endpoints.ToList();
        _lab.Mesh.PutFile(File, $$"""
            apiVersion: v1
            kind: Service
            metadata: {name: {{_name}}, namespace: shop}
            spec: {clusterIP: {{V4}}, clusterIPs: [{{V4}}, "{{V6}}"], ports: [{{ports}}]{{(spec.Length > 0 ? ", " + spec : "")}}}
            {{Slice("v4", "IPv4", addresses.Where(a => a.AddressFamily == AddressFamily.InterNetwork))}}
            {{Slice("v6", "IPv6", addresses.Where(a => a.AddressFamily == AddressFamily.InterNetworkV6))}}
            """);
        await _lab.UntilAsync($"all nodes know service {_name}", TimeSpan.FromSeconds(10), async () =>
        {
            foreach (var node in _lab.Nodes)
            {
                var service = (await node.Admin.GetJsonAsync("/config"))["services"]!.AsArray().FirstOrDefault(one => (string?)one!["name"] == _name);
                if ((int?)service?["endpoints"] != addresses.Count) return $"{node.Name} knows {service?.ToJsonString() ?? "nothing of it"}";
            }
            return null;
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _lab.Mesh.RemoveFile(File);

    private string Slice(string name, string type, IEnumerable<IPAddress> addresses) => $$"""
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: {{_name}}-{{name}}
          namespace: shop
          labels: {kubernetes.io/service-name: {{_name}}}
        addressType: {{type}}
        ports: [{name: tcp, port: {{Plans.AppPort}}}]
        endpoints: [{{string.Join(", ", addresses.Select(EndpointOf))}}]
        """;

    private static string EndpointOf(IPAddress address) => "{addresses: [\"" + address + "\"]}";
}
