using System.Collections.Immutable;
using System.Security.Cryptography;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Identity;

/// <summary>A node and a controller whose clocks do not agree: nothing is used too early or too late, and the reason names the clock.</summary>
public sealed class ClockSkewTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");

    [Theory]
    [InlineData(-3600, 7200, null)]
    [InlineData(0, 60, null)]
    [InlineData(1, 3600, "clock is 1 s behind the controller's")]
    [InlineData(90, 3600, "clock is 90 s behind the controller's")]
    [InlineData(600, 3600, "clock is 600 s behind the controller's")]
    [InlineData(-7200, 3600, "clock run ahead of the controller's?")]
    [InlineData(-7200, 7199, "clock run ahead of the controller's?")]
    public void A_certificate_that_is_not_valid_by_the_nodes_clock_is_refused_and_the_clock_is_named(int beginsIn, int lasts, string? expected)
    {
        using var authority = new TestAuthority();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asked = new CertificateRequest { SpiffeId = Web.ToString(), Csr = ByteString.CopyFrom(CertificateRequests.Create(key, Web)) };
        var answer = authority.Answer(asked, Now.AddSeconds(beginsIn), TimeSpan.FromSeconds(lasts));
        bool accepted = CertificateCheck.TryAccept(answer, Web, key, ImmutableArray<byte[]>.Empty, Now, out var svid, out string? reason);
        Assert.Equal(expected is null, accepted);
        Assert.Equal(expected is null, svid is not null);
        if (expected is not null) Assert.Contains(expected, reason);
    }

    [Fact]
    public void An_order_of_a_controller_whose_clock_is_ahead_is_followed_and_one_that_has_expired_here_names_the_clock()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var verifier = OrderVerifier.FromPem(key.ExportSubjectPublicKeyInfoPem());
        SignedOrder Of(int issued, int expires) => new OrderSigner(key).Sign(
            new CaptureOrder
            {
                Node = "a", BootId = "boot", Version = 7,
                IssuedUnixSeconds = Now.AddSeconds(issued).ToUnixTimeSeconds(), ExpiresUnixSeconds = Now.AddSeconds(expires).ToUnixTimeSeconds(),
            });

        // Signed, newer, not expired: who refused it because of a clock would leave pods uncaptured, and nobody would be safer.
        Assert.True(verifier.TryOpen(Of(600, 3600), "a", "boot", 6, Now, out _, out _));
        Assert.False(verifier.TryOpen(Of(-7200, 0), "a", "boot", 6, Now, out _, out string? reason));
        Assert.Contains("clock run ahead of the controller's?", reason);
    }
}
