using System.Collections.Immutable;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Reads what kubelet will ask of a pod: probes and lifecycle hooks of its containers.
/// What runs inside a container (exec) or goes to another host than the pod is not asked of the pod and left out.
/// </summary>
internal static class PodProbeReader
{
    private static readonly string[] ProbeFields = ["livenessProbe", "readinessProbe", "startupProbe"];
    private static readonly string[] HookFields = ["postStart", "preStop"];

    /// <param name="containers">Those that kubelet asks: an init container that ends before the others start is not among them.</param>
    /// <exception cref="YamlFaultException">A field has another form.</exception>
    internal static ImmutableArray<Probe> Read(IEnumerable<Fields> containers) => [.. containers.SelectMany(ReadContainer).Distinct()];

    private static IEnumerable<Probe> ReadContainer(Fields container)
    {
        var lifecycle = container.Object("lifecycle");
        return ProbeFields.Select(container.Object).Concat(HookFields.Select(lifecycle.Object))
            .Select(handler => ReadHandler(container, handler)).OfType<Probe>();
    }

    private static Probe? ReadHandler(Fields container, Fields handler)
    {
        if (handler.Has("httpGet"))
        {
            var http = handler.Object("httpGet");
            if (http.Text("host").Length > 0 || PortOf(container, http) is not { } port)
                return null;
            return http.Text("scheme", "HTTP") == "HTTPS"
                ? new Probe(port, ProbeKind.Https)
                : new Probe(port, ProbeKind.Http, "GET", KubeletPath.Of(http.Text("path")));
        }
        if (handler.Has("tcpSocket"))
        {
            var tcp = handler.Object("tcpSocket");
            return tcp.Text("host").Length == 0 && PortOf(container, tcp) is { } port ? new Probe(port, ProbeKind.Tcp) : null;
        }
        if (handler.Has("grpc"))
        {
            var grpc = handler.Object("grpc");
            return grpc.Number("port", 1, 65535) is { } port ? new Probe(port, ProbeKind.Grpc, Service: grpc.Text("service")) : null;
        }
        return null;
    }

    // A number, or the name of a port of the same container; a name that it does not have is a probe that kubelet cannot make.
    private static int? PortOf(Fields container, Fields handler)
    {
        var text = handler.Text("port");
        return text.All(char.IsAsciiDigit)   // 9p-http is a name
            ? handler.Number("port", 1, 65535)
            : container.Objects("ports").FirstOrDefault(port => port.Text("name") == text).Number("containerPort", 1, 65535);
    }
}
