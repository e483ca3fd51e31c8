using System.Net;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Google.Protobuf;
using Mode = Ambient.Protocol.Model.ProtectionMode;
using WireMode = Ambient.Protocol.Mesh.V1.ProtectionMode;

namespace Ambient.Tests.Unit.Model;

public sealed class ResourceReaderTests
{
    private static readonly ByteString Ten1 = ByteString.CopyFrom(10, 0, 0, 1);

    public static TheoryData<string, Action<Resource>> Faults => new()
    {
        { "no body", r => r.ClearBody() },
        { "belongs to the key", r => r.Key = "workload/other" },
        { "uid is empty", r => r.Workload.Uid = "" },
        { "uid holds the character U+002F", r => r.Workload.Uid = "a/b" },
        { "name holds the character U+000A", r => r.Workload.Name = "a\nb" },
        { "name is too long", r => r.Workload.Name = new string('a', 254) },
        { "namespace is empty", r => r.Workload.Namespace = "" },
        { "service account", r => r.Workload.ServiceAccount = "a b" },
        { "neither 4 nor 16", r => r.Workload.Addresses.Add(ByteString.CopyFrom(1, 2, 3)) },
        { "unspecified", r => r.Workload.Addresses.Add(ByteString.CopyFrom(new byte[16])) },
        { "enrolment state 9", r => r.Workload.Enrolment = (EnrolmentState)9 },
        { "trust domain", r => (r.Key, r.Settings) = ("settings", new SettingsResource { TrustDomain = "Not A Domain" }) },
        { "address range", r => (r.Key, r.Settings) = ("settings", new SettingsResource { TrustDomain = "d", PodRanges = { new AddressRange { Address = Ten1, PrefixLength = 33 } } }) },
        { "longer than a day", r => (r.Key, r.Settings) = ("settings", new SettingsResource { TrustDomain = "d", DrainSeconds = 86_401 }) },
        { "port 0", r => (r.Key, r.Service) = ("service/n/s", new ServiceResource { Namespace = "n", Name = "s", Ports = { new Protocol.Mesh.V1.ServicePort() } }) },
        { "named twice", r => (r.Key, r.Service) = ("service/n/s", new ServiceResource { Namespace = "n", Name = "s", Ports = { PortNumber(80), PortNumber(80) } }) },
        { "does not begin with", r => (r.Key, r.Endpoint) = ("endpoint/n/other/1", new EndpointResource { ServiceNamespace = "n", ServiceName = "s", Address = Ten1 }) },
        { "does not begin with", r => (r.Key, r.Endpoint) = ("endpoint/n/s/", new EndpointResource { ServiceNamespace = "n", ServiceName = "s", Address = Ten1 }) },
        { "its address", r => (r.Key, r.Endpoint) = ("endpoint/n/s/1", new EndpointResource { ServiceNamespace = "n", ServiceName = "s" }) },
        { "port 70000", r => (r.Key, r.Endpoint) = ("endpoint/n/s/1", new EndpointResource { ServiceNamespace = "n", ServiceName = "s", Address = Ten1, Ports = { new Protocol.Mesh.V1.EndpointPort { Port = 70_000 } } }) },
        { "a port is not between", r => r.Workload.ExcludedInboundPorts.Add(0) },
        { "a port is not between", r => r.Workload.PortModes.Add(new Protocol.Mesh.V1.PortMode { Port = 65_536 }) },
        { "a probe's port", r => r.Workload.Probes.Add(new Protocol.Mesh.V1.Probe { Tcp = new TcpProbe() }) },
        { "its kind is unknown", r => r.Workload.Probes.Add(new Protocol.Mesh.V1.Probe { Port = 80 }) },
        { "affinity of 86401 s", r => (r.Key, r.Service) = ("service/n/s", new ServiceResource { Namespace = "n", Name = "s", ClientAffinitySeconds = 86_401 }) },
        { "neither 4 nor 16", r => (r.Key, r.Node) = ("node/a", new NodeResource { Name = "a", Addresses = { ByteString.CopyFrom(1, 2, 3) } }) },
        { "its name is empty", r => (r.Key, r.Policy) = ("policy/n/", new PolicyResource { Namespace = "n" }) },
        { "weight", r => (r.Key, r.Endpoint) = ("endpoint/n/s/1", new EndpointResource { ServiceNamespace = "n", ServiceName = "s", Address = Ten1, Weight = uint.MaxValue }) },
    };

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public void A_resource_that_nobody_could_rely_on_is_refused_with_key_and_reason(string expected, Action<Resource> spoil)
    {
        Resource resource = Good();
        spoil(resource);
        Assert.False(ResourceReader.TryRead(resource, out MeshResource? read, out string? reason));
        Assert.Null(read);
        Assert.Contains(expected, reason);
        Assert.Contains($"'{resource.Key}'", reason);
    }

    [Fact]
    public void A_workload_is_read_as_it_was_written()
    {
        Assert.True(ResourceReader.TryRead(Good(), out MeshResource? read, out string? reason), reason);
        var workload = Assert.IsType<Workload>(read);
        Assert.Equal(("1", "shop", "api-1", "api", "a"), (workload.Uid, workload.Namespace, workload.Name, workload.ServiceAccount, workload.Node));
        Assert.Equal([IPAddress.Parse("10.0.0.1")], workload.Addresses);
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/api", workload.IdentityIn("cluster.local").ToString());
        Assert.Same(workload.IdentityIn("cluster.local"), workload.IdentityIn("cluster.local"));
        Assert.Equal("elsewhere", workload.IdentityIn("elsewhere").TrustDomain);
        Assert.Equal("other", (workload with { ServiceAccount = "other" }).IdentityIn("elsewhere").ServiceAccount);
    }

    [Theory]
    [InlineData(WireMode.Unspecified, Mode.Strict)]
    [InlineData(WireMode.Strict, Mode.Strict)]
    [InlineData(WireMode.Permissive, Mode.Permissive)]
    [InlineData((WireMode)77, Mode.Strict)]
    public void A_mode_that_is_not_clearly_permissive_is_strict(WireMode wire, Mode expected)
    {
        Resource resource = Good();
        resource.Workload.Mode = wire;
        Assert.True(ResourceReader.TryRead(resource, out MeshResource? read, out _));
        Assert.Equal(expected, ((Workload)read).Mode);
    }

    [Fact]
    public void A_port_may_have_a_mode_of_its_own()
    {
        Resource resource = Good();
        resource.Workload.PortModes.Add(new Protocol.Mesh.V1.PortMode { Port = 80, Mode = WireMode.Strict });
        resource.Workload.PortModes.Add(new Protocol.Mesh.V1.PortMode { Port = 81 });
        Assert.True(ResourceReader.TryRead(resource, out MeshResource? read, out _));
        Assert.Equal([Mode.Strict, Mode.Strict, Mode.Permissive], new[] { 80, 81, 82 }.Select(((Workload)read).ModeOf));
    }

    [Theory]
    [InlineData("action 0", 0, 8u, 80u)]
    [InlineData("action 9", 9, 8u, 80u)]
    [InlineData("source range", 1, 33u, 80u)]
    [InlineData("port", 2, 8u, 70_000u)]
    [InlineData(null, 1, 8u, 80u)]
    public void A_policy_that_this_version_does_not_wholly_understand_is_kept_and_said_to_be_unenforceable(string? why, int action, uint prefix, uint port)
    {
        var resource = new Resource
        {
            Key = "policy/shop/orders",
            Policy = new PolicyResource
            {
                Namespace = "shop",
                Name = "orders",
                Action = (Protocol.Mesh.V1.PolicyAction)action,
                Rules = { new PolicyRule { Sources = { new AddressRange { Address = Ten1, PrefixLength = prefix } }, Ports = { port } } },
            },
        };
        Assert.True(ResourceReader.TryRead(resource, out MeshResource? read, out string? reason), reason);
        var policy = Assert.IsType<AccessPolicy>(read);
        if (why is null) Assert.Null(policy.Unenforceable);
        else Assert.Contains(why, policy.Unenforceable);
    }

    [Fact]
    public void A_policy_from_the_future_with_a_part_that_this_version_does_not_know_is_unenforceable()
    {
        var policy = new PolicyResource { Namespace = "shop", Name = "orders", Action = Protocol.Mesh.V1.PolicyAction.Allow, Rules = { new PolicyRule { Ports = { 80 } } } };
        // Field 99 of the rule, a number: what protobuf readers keep and nobody looks at.
        byte[] rule = [.. policy.Rules[0].ToByteArray(), 0x98, 0x06, 0x01];
        policy.Rules[0] = PolicyRule.Parser.ParseFrom(rule);
        Assert.True(ResourceReader.TryRead(new Resource { Key = "policy/shop/orders", Policy = policy }, out MeshResource? read, out string? reason), reason);
        Assert.Equal("it has parts that this version does not know", Assert.IsType<AccessPolicy>(read).Unenforceable);
    }

    [Fact]
    public void Mapped_addresses_become_plain_ones_and_each_counts_once()
    {
        Resource resource = Good();
        resource.Workload.Addresses.Add(ByteString.CopyFrom(IPAddress.Parse("::ffff:10.0.0.1").GetAddressBytes()));
        Assert.True(ResourceReader.TryRead(resource, out MeshResource? read, out _));
        Assert.Equal([IPAddress.Parse("10.0.0.1")], ((Workload)read).Addresses);
    }

    [Fact]
    public void Settings_cover_their_ranges_host_bits_or_not_in_either_spelling_of_an_address()
    {
        var resource = new Resource
        {
            Key = "settings",
            Settings = new SettingsResource
            {
                TrustDomain = "cluster.local",
                PodRanges = { new AddressRange { Address = ByteString.CopyFrom(10, 1, 2, 3), PrefixLength = 20 } },
                ServiceRanges = { new AddressRange { Address = ByteString.CopyFrom(IPAddress.Parse("fd00::").GetAddressBytes()), PrefixLength = 64 } },
                DrainSeconds = 12,
            },
        };
        Assert.True(ResourceReader.TryRead(resource, out MeshResource? read, out string? reason), reason);
        var settings = (MeshSettings)read;
        Assert.Equal(TimeSpan.FromSeconds(12), settings.Drain);
        foreach ((string address, bool covered) in ((string, bool)[])
            [("10.1.0.0", true), ("10.1.15.255", true), ("10.1.16.0", false), ("::ffff:10.1.2.3", true), ("fd00::1", true), ("fd00:0:0:1::", false), ("192.0.2.1", false)])
            Assert.Equal(covered, settings.Covers(IPAddress.Parse(address)));
        Assert.False(MeshSettings.Default.Covers(IPAddress.Parse("10.1.2.3")));
    }

    [Fact]
    public void Turned_bits_never_throw_and_what_is_accepted_reads_the_same_after_writing()
    {
        const int Seed = 4;
        var random = new Random(Seed);
        byte[] good = Good().ToByteArray();
        for (int i = 0; i < 20_000; i++)
        {
            byte[] mutant = [.. good];
            for (int flips = random.Next(1, 5); flips > 0; flips--)
                mutant[random.Next(mutant.Length)] ^= (byte)(1 << random.Next(8));
            Resource resource;
            try
            {
                resource = Resource.Parser.ParseFrom(mutant);
            }
            catch (InvalidProtocolBufferException)
            {
                continue;
            }
            if (!ResourceReader.TryRead(resource, out MeshResource? read, out string? reason))
            {
                Assert.NotEmpty(reason);
                continue;
            }
            Resource written = ResourceWriter.Write(read);
            Assert.True(ResourceReader.TryRead(written, out MeshResource? again, out reason), reason);
            Assert.Equal(written, ResourceWriter.Write(again));
        }
    }

    private static Resource Good() => new()
    {
        Key = "workload/1",
        Workload = new WorkloadResource
        {
            Uid = "1",
            Namespace = "shop",
            Name = "api-1",
            ServiceAccount = "api",
            Node = "a",
            Addresses = { Ten1 },
            Enrolment = EnrolmentState.Enrolled,
            Mode = WireMode.Permissive,
            WorkloadName = "api",
            Capabilities = { "tunnel-on-original-port" },
        },
    };

    private static Protocol.Mesh.V1.ServicePort PortNumber(uint port) => new() { Port = port };
}
