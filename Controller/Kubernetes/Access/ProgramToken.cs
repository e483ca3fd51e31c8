using System.Net.Http.Headers;
using k8s.Authentication;
using k8s.Exceptions;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>
/// A bearer token of the program that a kubeconfig names (<c>exec</c>). The library starts it again when the token's own time is over; what
/// it says when that fails is none of the exceptions by which the ways to a server fail.
/// </summary>
internal sealed class ProgramToken(ITokenProvider program) : ITokenProvider
{
    /// <exception cref="IOException">The program has failed, or said nothing of the form.</exception>
    public async Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await program.GetAuthenticationHeaderAsync(cancellationToken);
        }
        catch (KubeConfigException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
