using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Policy;

public sealed class ConnectionPolicyTests
{
    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");

    [Theory]
    [InlineData(true, true, ProtectionMode.Strict, Enrolment.Enrolled, true, "shop/api takes enrolled peers")]
    [InlineData(true, true, ProtectionMode.Permissive, Enrolment.Enrolled, true, "shop/api takes enrolled peers")]
    [InlineData(true, false, ProtectionMode.Permissive, Enrolment.Enrolled, false, "shop/api takes no tunnel from a peer without an identity")]
    [InlineData(false, false, ProtectionMode.Strict, Enrolment.Enrolled, false, "mode STRICT of shop/api refuses plaintext")]
    [InlineData(false, false, ProtectionMode.Strict, Enrolment.Enrolling, false, "mode STRICT of shop/api refuses plaintext")]
    [InlineData(false, false, ProtectionMode.Permissive, Enrolment.Enrolling, true, "mode PERMISSIVE of shop/api delivers plaintext")]
    [InlineData(false, false, ProtectionMode.Strict, Enrolment.Withdrawing, true, "shop/api is leaving the mesh: others already speak plaintext to it")]
    [InlineData(false, true, ProtectionMode.Strict, Enrolment.Enrolled, false, "mode STRICT of shop/api refuses plaintext")]   // a claim without protection proves nothing
    public void A_connection_is_decided_by_protection_identity_and_mode(bool isProtected, bool hasPeer, ProtectionMode mode, Enrolment enrolment, bool allowed, string rule)
    {
        Decision decision = ConnectionPolicy.Decide(new ConnectionFacts(hasPeer ? Web : null, IPAddress.Loopback, Api(mode, enrolment), 80, isProtected));
        Assert.Equal(allowed, decision.Allowed);
        Assert.Equal(rule, decision.Rule);
    }

    [Fact]
    public void An_excluded_port_takes_plaintext_under_STRICT_while_others_know_and_the_rules_still_capture_it()
    {
        Workload api = Api(ProtectionMode.Strict, Enrolment.Enrolled) with { ExcludedInboundPorts = [80] };
        Decision decision = ConnectionPolicy.Decide(new ConnectionFacts(null, IPAddress.Loopback, api, 80, false));
        Assert.True(decision.Allowed);
        Assert.Equal("the port is excluded from capture at shop/api: others speak plaintext to it", decision.Rule);
        Assert.False(ConnectionPolicy.Decide(new ConnectionFacts(null, IPAddress.Loopback, api, 81, false)).Allowed);
    }

    [Fact]
    public void Deciding_allocates_nothing()
    {
        var facts = new ConnectionFacts(null, IPAddress.Loopback, Api(ProtectionMode.Strict, Enrolment.Enrolled), 80, false);
        bool allowed = false;
        for (int i = 0; i < 100; i++)
            allowed |= ConnectionPolicy.Decide(facts).Allowed;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            allowed |= ConnectionPolicy.Decide(facts).Allowed;
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.False(allowed);
    }

    private static Workload Api(ProtectionMode mode, Enrolment enrolment) => new()
    {
        Uid = "1",
        Namespace = "shop",
        Name = "api-abc",
        ServiceAccount = "api",
        WorkloadName = "api",
        Mode = mode,
        Enrolment = enrolment,
    };
}
