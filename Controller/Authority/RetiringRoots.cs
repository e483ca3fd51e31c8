using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Controller.Authority;

/// <summary>
/// Roots that the owner of a given authority has taken away, and that are trusted until the last certificates below them have ended. As text:
/// for each root a line <c>until=UNIX-SECONDS</c> and its PEM. Immutable.
/// </summary>
internal sealed record RetiringRoots(ImmutableArray<(X509Certificate2 Root, DateTimeOffset Until)> Roots)
{
    /// <summary>The entry's name in a state.</summary>
    internal const string File = "ca-retiring.pem";

    private const string Until = "until=";

    /// <summary>Reads the text that <see cref="ToString"/> gives.</summary>
    /// <exception cref="AuthorityException">It has another form.</exception>
    internal static RetiringRoots Parse(string? text, string place)
    {
        try
        {
            return new RetiringRoots([.. (text ?? "").Split(Until, StringSplitOptions.RemoveEmptyEntries).Select(part =>
            {
                var end = part.IndexOf('\n');
                return (X509Certificate2.CreateFromPem(part.AsSpan(end + 1)),
                    DateTimeOffset.FromUnixTimeSeconds(long.Parse(part.AsSpan(0, Math.Max(0, end)), NumberStyles.None, CultureInfo.InvariantCulture)));
            })]);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or CryptographicException)
        {
            throw new AuthorityException($"{place}, {File}: expected until=SECONDS and a certificate for each root ({e.Message})");
        }
    }

    /// <summary>Those that are still to be trusted.</summary>
    internal RetiringRoots At(DateTimeOffset now) => new([.. Roots.Where(r => now < r.Until)]);

    /// <summary>With these as well, unless they retire already.</summary>
    internal RetiringRoots With(IEnumerable<X509Certificate2> vanished, DateTimeOffset until) =>
        new([.. Roots, .. vanished.Where(v => Roots.All(r => r.Root.Thumbprint != v.Thumbprint)).Select(v => (v, until))]);

    /// <summary>Without those that came back.</summary>
    internal RetiringRoots Without(IEnumerable<X509Certificate2> present) => new([.. Roots.Where(r => present.All(p => p.Thumbprint != r.Root.Thumbprint))]);

    public override string ToString() =>
        string.Concat(Roots.Select(r => string.Create(CultureInfo.InvariantCulture, $"{Until}{r.Until.ToUnixTimeSeconds()}\n{r.Root.ExportCertificatePem()}\n")));
}
