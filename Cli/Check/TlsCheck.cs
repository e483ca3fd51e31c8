using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;

namespace Ambient.Cli.Check;

/// <summary>Whether this machine's libssl does what tunnels need: both sides of TLS 1.3 with the settings that NodeProxy uses.</summary>
internal static class TlsCheck
{
    private const string Name = "libssl";

    public static CheckResult Run(TimeProvider time)
    {
        try
        {
            var version = TlsSupport.Version();
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = new CertificateRequest("CN=check", key, HashAlgorithmName.SHA256).CreateSelfSigned(time.GetUtcNow().AddHours(-1), time.GetUtcNow().AddHours(1));
            var settings = new TlsSettings { CertificateChain = [certificate.RawData], PrivateKeyPkcs8 = key.ExportPkcs8PrivateKey(), TrustBundle = [certificate.RawData], Alpn = ["h2"] };
            using var client = TlsContext.Client(settings);
            using var server = TlsContext.Server(settings);
            return CheckResult.Ok(Name, $"{version}, TLS 1.3");
        }
        catch (TlsException fault)
        {
            return CheckResult.Fail(Name, fault.Message, "apt-get install -y libssl3 (OpenSSL 3.0 or newer, with TLS 1.3).");
        }
    }
}
