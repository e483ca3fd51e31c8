using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>
/// The way to one API server: by a kubeconfig, or by what a pod finds in itself. A changed file (roots, certificate, kubeconfig) counts
/// for requests from then on; what is open goes on. For any thread.
/// </summary>
/// <remarks>
/// A program that the kubeconfig names (<c>exec</c>) is asked anew after a refusal (401), as client-go does: one that names no time for its
/// token would else be asked once for ever. So are certificates of such a program, if the server says 401 to them; where a handshake fails
/// instead, they are renewed by a change of the kubeconfig alone.
/// </remarks>
/// <param name="kubeconfig">Null for a pod's own configuration.</param>
internal sealed class ApiConnection(string? kubeconfig, TimeProvider time, ServiceAccountFolder? folder = null)
{
    /// <summary>Under which the API server keeps what is ours.</summary>
    internal const string FieldManager = "ambient-controller";

    /// <summary>How long the API server may take until it begins to answer.</summary>
    internal static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    // A file is looked at once in so long, and at once after the server would not take who we are. A program is started no more often either:
    // where it is really not allowed, each retry would start one.
    internal static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(10);
    private const int MaxStatusBytes = 64 * 1024;

    private readonly ServiceAccountFolder _folder = folder ?? ServiceAccountFolder.Default;
    private readonly Lock _lock = new();
    private ApiClient? _client;
    private long _lookedAt;
    private long _madeAt;
    private bool _isDoubted;

    /// <summary>What to call the server, for people.</summary>
    internal string Name => _client?.Kubernetes.BaseUri.ToString() ?? kubeconfig ?? "the API server of this pod's cluster";

    /// <summary>The library's client, for calls that are no list and no watch.</summary>
    /// <exception cref="IOException">The configuration cannot be read, and never could.</exception>
    internal k8s.Kubernetes Client => Current().Kubernetes;

    /// <summary>Asks, and returns as soon as the answer begins; the caller disposes it.</summary>
    /// <param name="path">With its query, from the server's root: <c>/api/v1/pods?limit=500</c>.</param>
    /// <exception cref="ApiRefusal">The server said no.</exception>
    /// <exception cref="IOException">The configuration cannot be read.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="TimeoutException">It does not answer.</exception>
    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        var client = Current().Kubernetes;
        using var request = new HttpRequestMessage(method, new Uri(client.BaseUri, path))
        {
            Content = content,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("ambient-controller", null));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerLimit);
        try
        {
            if (client.Credentials is { } credentials)
                await credentials.ProcessHttpRequestAsync(request, limit.Token);
            var response = await client.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                throw await RefusalAsync(response, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer in {AnswerLimit.TotalSeconds} s");
        }
    }

    private async Task<ApiRefusal> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var message = "";
        try
        {
            var buffer = new byte[MaxStatusBytes];
            var read = await (await response.Content.ReadAsStreamAsync(cancellation)).ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            using var status = JsonDocument.Parse(buffer.AsMemory(0, read));
            message = status.RootElement.TryGetProperty("message", out var text) ? text.GetString() ?? "" : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException)
        {
            // Something between us and the server answered: its status must do.
        }
        if (message.Length > ApiRefusal.MaxMessage)
            message = message[..ApiRefusal.MaxMessage];
        return new ApiRefusal(response.StatusCode, message.Length > 0 ? $"{(int)response.StatusCode} {message}" : $"{(int)response.StatusCode} {response.ReasonPhrase}",
            response.Headers.RetryAfter?.Delta);
    }

    private ApiClient Current()
    {
        lock (_lock)
        {
            var isRefused = _client?.TakeRefusal() ?? false;
            _isDoubted |= isRefused;
            if (_client is not null && !isRefused && time.GetElapsedTime(_lookedAt) < LookInterval)
                return _client;
            _lookedAt = time.GetTimestamp();
            var fingerprint = ApiClient.FingerprintOf(kubeconfig, _folder);
            var asksAgain = _isDoubted && _client is { AsksProgram: true } && time.GetElapsedTime(_madeAt, _lookedAt) >= LookInterval;
            if (_client?.Fingerprint == fingerprint && !asksAgain)
                return _client;
            (_madeAt, _isDoubted) = (_lookedAt, false);
            try
            {
                // The one before ends by itself, once nothing that it began is open.
                _client = kubeconfig is null ? ApiClient.InCluster(_folder, fingerprint) : ApiClient.OfKubeconfig(kubeconfig, fingerprint);
            }
            catch (IOException) when (_client is not null)
            {
                // Half written, perhaps, or a program that fails: what was read before stays in force, and it is looked at again.
            }
            return _client;
        }
    }
}
