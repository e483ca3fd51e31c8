using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Ambient.Protocol.Model;

/// <summary>
/// Reads the model's resources from the wire and refuses what the rest of the product could not rely on. A field from the future is
/// ignored (additions are backward-minded); a body from the future is refused, since a node must not act on half of what it was told.
/// </summary>
public static class ResourceReader
{
    private const int LongestName = 253;   // RFC 1123 subdomain, the longest name Kubernetes gives out

    /// <summary>Reads one resource.</summary>
    /// <param name="resource">As it came.</param>
    /// <param name="read">What it says, or null.</param>
    /// <param name="reason">Why it is refused, with its key, for a person; null if it is not.</param>
    public static bool TryRead(Resource resource, [NotNullWhen(true)] out MeshResource? read, [NotNullWhen(false)] out string? reason) =>
        TryRead(resource, null, out read, out reason);

    /// <summary>Reads one resource.</summary>
    /// <param name="resource">As it came.</param>
    /// <param name="shared">What equal values of several resources are made one object by; null to keep each for itself.</param>
    /// <param name="read">What it says, or null.</param>
    /// <param name="reason">Why it is refused, with its key, for a person; null if it is not.</param>
    public static bool TryRead(
        Resource resource, SharedValues? shared, [NotNullWhen(true)] out MeshResource? read, [NotNullWhen(false)] out string? reason)
    {
        (read, string? fault) = resource.BodyCase switch
        {
            Resource.BodyOneofCase.Workload => ReadWorkload(resource.Workload, shared),
            Resource.BodyOneofCase.Service => ReadService(resource.Service, shared),
            Resource.BodyOneofCase.Endpoint => ReadEndpoint(resource.Key, resource.Endpoint, shared),
            Resource.BodyOneofCase.Settings => ReadSettings(resource.Settings),
            Resource.BodyOneofCase.Node => ReadNode(resource.Node),
            Resource.BodyOneofCase.Policy => PolicyReader.Read(resource.Policy),
            Resource.BodyOneofCase.None => (null, "it has no body that this version knows"),
        };
        if (read is not null && read.Key != resource.Key)
        {
            fault = $"its body belongs to the key '{read.Key}'";
            read = null;
        }
        reason = read is null ? $"resource '{resource.Key}': {fault}" : null;
        return read is not null;
    }

    private static (MeshResource?, string?) ReadWorkload(WorkloadResource w, SharedValues? shared)
    {
        if ((NameFault("uid", w.Uid) ?? NameFault("name", w.Name)) is { } fault)
            return (null, fault);
        // The trust domain is the settings' matter; any will do to check the two names that the identity is made of.
        if (!SpiffeId.TryOf("any", w.Namespace, w.ServiceAccount, out _, out string? identityFault))
            return (null, identityFault);
        if (!WireAddresses.TryReadAddresses(w.Addresses, out ImmutableArray<IPAddress> addresses))
            return (null, "an address is neither 4 nor 16 bytes long, or unspecified");
        if (!TryReadEnrolment(w.Enrolment, out Enrolment enrolment))
            return (null, $"enrolment state {(int)w.Enrolment} is unknown");
        if (!WireAddresses.TryReadPorts(w.ExcludedInboundPorts, out ImmutableArray<int> excluded) || w.PortModes.Any(mode => mode.Port is 0 or > 65535))
            return (null, "a port is not between 1 and 65535");
        if (!TryReadProbes(w.Probes, out ImmutableArray<Probe> probes))
            return (null, "a probe's port is not between 1 and 65535, or its kind is unknown");
        var traits = new WorkloadTraits
        {
            Namespace = w.Namespace,
            ServiceAccount = w.ServiceAccount,
            WorkloadName = w.WorkloadName.Length > 0 ? w.WorkloadName : w.Name,
            Mode = ReadMode(w.Mode),
            PortModes = [.. w.PortModes.Select(mode => new PortMode((int)mode.Port, ReadMode(mode.Mode)))],
            ExcludedInboundPorts = excluded,
            Policies = [.. w.Policies],
            Probes = probes,
            DirectForbiddenReason = w.DirectForbiddenReason.Length > 0 ? w.DirectForbiddenReason : null,
            Capabilities = [.. w.Capabilities],
        };
        return (new Workload(w.Uid, w.Name, shared?.Of(traits) ?? traits)
        {
            Node = shared?.Of(w.Node) ?? w.Node,
            Addresses = addresses,
            Enrolment = enrolment,
            HostNetwork = w.HostNetwork,
            IsTerminating = w.Terminating,
        }, null);
    }

    private static (MeshResource?, string?) ReadService(ServiceResource s, SharedValues? shared)
    {
        if ((NameFault("namespace", s.Namespace) ?? NameFault("name", s.Name)) is { } fault)
            return (null, fault);
        if (!WireAddresses.TryReadAddresses(s.Addresses, out ImmutableArray<IPAddress> addresses))
            return (null, "an address is neither 4 nor 16 bytes long, or unspecified");
        if (s.ClientAffinitySeconds > 86_400)
            return (null, $"a client affinity of {s.ClientAffinitySeconds} s is longer than a day");
        var ports = ImmutableArray.CreateBuilder<ServicePort>(s.Ports.Count);
        foreach (Mesh.V1.ServicePort port in s.Ports)
        {
            if (port.Port is 0 or > 65535)
                return (null, $"port {port.Port} is not between 1 and 65535");
            string protocol = port.Protocol.Length > 0 ? port.Protocol : "TCP";
            foreach (ServicePort before in ports)
            {
                if (before.Port == (int)port.Port && before.Protocol == protocol)
                    return (null, $"port {port.Port}/{protocol} is named twice");
            }
            ports.Add(new ServicePort(Of(port.Name), (int)port.Port, Of(protocol), Of(port.AppProtocol)));
        }
        return (new Service
        {
            Namespace = Of(s.Namespace), Name = Of(s.Name), Addresses = addresses, Ports = ports.MoveToImmutable(), Headless = s.Headless,
            ClientAffinity = TimeSpan.FromSeconds(s.ClientAffinitySeconds), Distribution = ReadDistribution(s.Distribution)
        }, null);

        string Of(string text) => shared?.Of(text) ?? text;
    }

    private static (MeshResource?, string?) ReadEndpoint(string key, EndpointResource e, SharedValues? shared)
    {
        if ((NameFault("service namespace", e.ServiceNamespace) ?? NameFault("service name", e.ServiceName)) is { } fault)
            return (null, fault);
        string prefix = ResourceKeys.Endpoint(e.ServiceNamespace, e.ServiceName, "");
        if (!key.StartsWith(prefix, StringComparison.Ordinal) || key.Length == prefix.Length)
            return (null, $"its key does not begin with '{prefix}'");
        if (!WireAddresses.TryReadAddress(e.Address, out IPAddress? address))
            return (null, "its address is neither 4 nor 16 bytes long, or unspecified");
        if (e.Weight > 1_000_000)
            return (null, $"weight {e.Weight} is above 1000000");
        var ports = ImmutableArray.CreateBuilder<EndpointPort>(e.Ports.Count);
        foreach (Mesh.V1.EndpointPort port in e.Ports)
        {
            if (port.Port is 0 or > 65535)
                return (null, $"port {port.Port} is not between 1 and 65535");
            foreach (EndpointPort before in ports)
            {
                if (before.Name == port.Name)
                    return (null, $"port name '{port.Name}' is there twice");
            }
            ports.Add(new EndpointPort(port.Name, (int)port.Port));
        }
        return (new Endpoint
        {
            WireKey = key,
            ServiceNamespace = Of(e.ServiceNamespace),
            ServiceName = Of(e.ServiceName),
            Address = address,
            WorkloadUid = e.WorkloadUid.Length > 0 ? e.WorkloadUid : null,
            Ports = shared?.Of(new EndpointPorts(ports.MoveToImmutable())).List ?? ports.MoveToImmutable(),
            Ready = e.Ready,
            Zone = Of(e.Zone),
            Node = Of(e.Node),
            Weight = Math.Max(1, (int)e.Weight),
        }, null);

        string Of(string text) => shared?.Of(text) ?? text;
    }

    private static (MeshResource?, string?) ReadSettings(SettingsResource s)
    {
        if (!SpiffeId.IsTrustDomain(s.TrustDomain, out string? fault))
            return (null, fault);
        if (s.DrainSeconds > 86_400)
            return (null, $"drain of {s.DrainSeconds} s is longer than a day");
        if (!WireAddresses.TryReadRanges(s.PodRanges, out ImmutableArray<IPNetwork> pods) || !WireAddresses.TryReadRanges(s.ServiceRanges, out ImmutableArray<IPNetwork> services))
            return (null, "an address range is malformed");
        return (new MeshSettings
        {
            TrustDomain = s.TrustDomain,
            PodRanges = pods,
            ServiceRanges = services,
            DirectAllowed = s.DirectAllowed,
            Drain = TimeSpan.FromSeconds(s.DrainSeconds),
            TunnelOnOriginalPort = s.TunnelOnOriginalPort,
        }, null);
    }

    private static (MeshResource?, string?) ReadNode(NodeResource n)
    {
        if (NameFault("name", n.Name) is { } fault)
            return (null, fault);
        return WireAddresses.TryReadAddresses(n.Addresses, out ImmutableArray<IPAddress> addresses)
            ? (new Node { Name = n.Name, Addresses = addresses, Zone = n.Zone }, null)
            : (null, "an address is neither 4 nor 16 bytes long, or unspecified");
    }

    // Anything but a clear "permissive" is strict, values from the future included.
    private static ProtectionMode ReadMode(Mesh.V1.ProtectionMode mode) =>
        mode == Mesh.V1.ProtectionMode.Permissive ? ProtectionMode.Permissive : ProtectionMode.Strict;

    private static TrafficDistribution ReadDistribution(Mesh.V1.TrafficDistribution wire) => wire switch
    {
        Mesh.V1.TrafficDistribution.Anywhere => TrafficDistribution.Anywhere,
        Mesh.V1.TrafficDistribution.SameZoneFirst => TrafficDistribution.SameZoneFirst,
        Mesh.V1.TrafficDistribution.SameNodeFirst => TrafficDistribution.SameNodeFirst,
        Mesh.V1.TrafficDistribution.SameNodeOnly => TrafficDistribution.SameNodeOnly,
        _ => TrafficDistribution.Anywhere,   // a preference from the future is one that we do not have
    };

    private static bool TryReadProbes(RepeatedField<Mesh.V1.Probe> wire, out ImmutableArray<Probe> probes)
    {
        var builder = ImmutableArray.CreateBuilder<Probe>(wire.Count);
        probes = [];
        foreach (Mesh.V1.Probe probe in wire)
        {
            if (probe.Port is 0 or > 65535)
                return false;
            int port = (int)probe.Port;
            Probe? read = probe.KindCase switch
            {
                Mesh.V1.Probe.KindOneofCase.Http => new Probe(port, ProbeKind.Http, Method: probe.Http.Method, Path: probe.Http.Path),
                Mesh.V1.Probe.KindOneofCase.Tcp => new Probe(port, ProbeKind.Tcp),
                Mesh.V1.Probe.KindOneofCase.Grpc => new Probe(port, ProbeKind.Grpc, Service: probe.Grpc.Service),
                Mesh.V1.Probe.KindOneofCase.Https => new Probe(port, ProbeKind.Https),
                Mesh.V1.Probe.KindOneofCase.None => null,
            };
            if (read is null)
                return false;
            builder.Add(read);
        }
        probes = builder.MoveToImmutable();
        return true;
    }

    private static bool TryReadEnrolment(EnrolmentState state, out Enrolment enrolment)
    {
        (bool known, enrolment) = state switch
        {
            EnrolmentState.None => (true, Enrolment.None),
            EnrolmentState.Enrolling => (true, Enrolment.Enrolling),
            EnrolmentState.Enrolled => (true, Enrolment.Enrolled),
            EnrolmentState.Withdrawing => (true, Enrolment.Withdrawing),
            _ => (false, Enrolment.None),   // proto3 enums are open: numbers from the future arrive as they are
        };
        return known;
    }

    internal static string? NameFault(string what, string value)
    {
        if (value.Length is 0 or > LongestName)
            return $"its {what} is {(value.Length == 0 ? "empty" : "too long")}";
        foreach (char c in value)
        {
            // A slash would make two keys equal, anything else here would only help to confuse a log or a metric.
            if (c is <= ' ' or '/' or '"' or '\\' or > '~')
                return $"its {what} holds the character U+{(int)c:X4}";
        }
        return null;
    }
}
