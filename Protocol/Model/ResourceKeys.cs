using System.Net;

namespace Ambient.Protocol.Model;

/// <summary>The grammar of resource keys (mesh.proto, <c>Resource.key</c>), in one place for both ends of the stream.</summary>
public static class ResourceKeys
{
    /// <summary>The key of the one settings resource.</summary>
    public const string Settings = "settings";

    /// <summary>What the key of every workload begins with.</summary>
    public const string WorkloadPrefix = "workload/";

    /// <summary>What the key of every service begins with.</summary>
    public const string ServicePrefix = "service/";

    /// <summary>What the key of every endpoint begins with.</summary>
    public const string EndpointPrefix = "endpoint/";

    /// <summary>What the key of every node begins with.</summary>
    public const string NodePrefix = "node/";

    /// <summary>What the key of every policy begins with.</summary>
    public const string PolicyPrefix = "policy/";

    /// <summary><c>node/NAME</c></summary>
    public static string Node(string name) => NodePrefix + name;

    /// <summary><c>policy/NAMESPACE/NAME</c></summary>
    public static string Policy(string policyNamespace, string name) => $"{PolicyPrefix}{policyNamespace}/{name}";

    /// <summary><c>workload/UID</c></summary>
    public static string Workload(string uid) => WorkloadPrefix + uid;

    /// <summary><c>service/NAMESPACE/NAME</c></summary>
    public static string Service(string serviceNamespace, string name) => $"{ServicePrefix}{serviceNamespace}/{name}";

    /// <summary><c>endpoint/NAMESPACE/SERVICE/ADDRESS-OR-UID</c></summary>
    public static string Endpoint(string serviceNamespace, string serviceName, string discriminator) =>
        $"{EndpointPrefix}{serviceNamespace}/{serviceName}/{discriminator}";

    /// <summary>The key of an endpoint that is told apart by its address.</summary>
    public static string Endpoint(string serviceNamespace, string serviceName, IPAddress address) =>
        Endpoint(serviceNamespace, serviceName, address.ToString());
}
