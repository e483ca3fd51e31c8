using System.Security.Cryptography;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

public sealed class TlsRehearsalTests
{
    private static readonly TestAuthority Authority = new(), Other = new("other");

    [Fact]
    public void A_good_certificate_works_with_itself() => Assert.Null(Run(Authority.Issue()));

    [Fact]
    public void A_certificate_behind_an_intermediate_works_with_itself() => Assert.Null(Run(new TestAuthority("intermediate", Authority).Issue(trusts: Authority)));

    [Fact]
    public void Without_tickets_there_is_nothing_to_take_and_all_is_well() => Assert.Null(Run(Authority.Issue(tickets: 0)));

    [Fact]
    public void Why_a_certificate_does_not_work_is_said()
    {
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Assert.Contains("certificate is refused", Run(Authority.Issue(trusts: Other)), StringComparison.Ordinal);
        Assert.Contains("certificate is refused", Run(Authority.Issue(client: false)), StringComparison.Ordinal);
        Assert.Contains("certificate is refused", Run(Authority.Issue(server: false)), StringComparison.Ordinal);
        Assert.Contains("does not belong to the certificate", Run(Authority.Issue() with { PrivateKeyPkcs8 = otherKey.ExportPkcs8PrivateKey() }), StringComparison.Ordinal);
    }

    private static string? Run(TlsSettings settings) => TlsRehearsal.Run(settings, null, new byte[64 << 10], new byte[64 << 10]);
}
