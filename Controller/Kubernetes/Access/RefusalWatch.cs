using System.Net;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>Notices that a server does not take who we are (401), whichever part of the program asked. For any thread.</summary>
internal sealed class RefusalWatch : DelegatingHandler
{
    private volatile bool _isRefused;

    /// <returns>Whether there was one since this was asked last.</returns>
    internal bool Take()
    {
        var was = _isRefused;
        if (was)
            _isRefused = false;
        return was;
    }

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            _isRefused = true;
        return response;
    }
}
