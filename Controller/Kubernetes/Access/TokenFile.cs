using System.Net.Http.Headers;
using k8s.Authentication;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>
/// A bearer token in a file that its owner replaces before it ends. Read for every request: there are few, and a file behind links
/// that are swapped below it does not look changed. While it cannot be read the last one counts.
/// </summary>
internal sealed class TokenFile(string path) : ITokenProvider
{
    /// <summary>Longest token, in bytes; those of service accounts are about a thousand.</summary>
    private const int MaxBytes = 64 * 1024;

    private string? _last;

    /// <exception cref="IOException">There is no token, and never was one.</exception>
    public async Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true } file && (file.LinkTarget is not null || file.Length <= MaxBytes)
                && (await File.ReadAllTextAsync(path, cancellationToken)).Trim() is { Length: > 0 and <= MaxBytes } token)
                Volatile.Write(ref _last, token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Between two links, perhaps: the last one is good for minutes yet.
        }
        return new AuthenticationHeaderValue("Bearer", Volatile.Read(ref _last) ?? throw new IOException($"no token can be read from {path}"));
    }
}
