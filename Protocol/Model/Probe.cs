namespace Ambient.Protocol.Model;

/// <summary>How kubelet probes a port.</summary>
public enum ProbeKind
{
    /// <summary>One HTTP request of an exact method and path.</summary>
    Http,

    /// <summary>A connect without a byte.</summary>
    Tcp,

    /// <summary>One call of <c>grpc.health.v1.Health/Check</c>.</summary>
    Grpc,

    /// <summary>HTTPS: what is asked cannot be seen, so only the port counts.</summary>
    Https,
}

/// <summary>A probe or lifecycle hook that a pod's spec declares. Only its own node makes it.</summary>
/// <param name="Port">1 to 65535.</param>
/// <param name="Kind">How.</param>
/// <param name="Method">HTTP only: <c>GET</c>.</param>
/// <param name="Path">HTTP only: path and query exactly as kubelet sends them, beginning with a slash.</param>
/// <param name="Service">gRPC only: the health service's argument; empty for none.</param>
public sealed record Probe(int Port, ProbeKind Kind, string Method = "", string Path = "", string Service = "");
