using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Admin;

/// <summary>Who the pods of this node are, and until when.</summary>
internal static class IdentityPage
{
    public static IdentitiesAnswer Make(string node, MeshView view, IdentityStore identities, DateTimeOffset now)
    {
        ILookup<string, string> pods = view.WorkloadsOn(node).Where(pod => pod.Enrolment != Enrolment.None)
            .ToLookup(pod => pod.IdentityIn(view.Settings.TrustDomain).ToString(), pod => $"{pod.Namespace}/{pod.Name}");
        Svid[] held = [.. identities.All.OrderBy(svid => svid.Id.ToString(), StringComparer.Ordinal)];
        HashSet<string> valid = [.. held.Where(svid => now < svid.NotAfter).Select(svid => svid.Id.ToString())];
        return new IdentitiesAnswer(
            node,
            [.. held.Select(svid => Standing(svid, pods, identities.RenewalOf(svid.Id)))],
            [.. pods.Where(group => !valid.Contains(group.Key)).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => new MissingIdentity(group.Key, Sorted(group)))],
            [.. held.SelectMany(svid => svid.TrustBundle).DistinctBy(Convert.ToHexString).Select(Root)]);
    }

    private static IdentityStanding Standing(Svid svid, ILookup<string, string> pods, DateTimeOffset? renewal)
    {
        using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(svid.Chain[0]);
        string id = svid.Id.ToString();
        return new IdentityStanding(id, Sorted(pods[id]), leaf.Issuer, leaf.SerialNumber, svid.NotBefore, svid.NotAfter, renewal, svid.Generation);
    }

    private static RootStanding Root(byte[] root)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(root);
        return new RootStanding(certificate.Subject, Convert.ToHexString(SHA256.HashData(root)), certificate.NotAfter.ToUniversalTime());
    }

    private static IReadOnlyList<string> Sorted(IEnumerable<string> names) => [.. names.Order(StringComparer.Ordinal)];
}
