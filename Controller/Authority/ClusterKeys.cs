using Ambient.Controller.Replicas;
using Ambient.Protocol.Orders;
using k8s;

namespace Ambient.Controller.Authority;

/// <summary>
/// The keys of a controller whose store is Kubernetes. Whoever starts first makes them; another replica that starts at the same moment
/// finds that it lost the race and takes those of the winner.
/// </summary>
internal sealed class ClusterKeys : IAuthorityPlace
{
    // Two replicas at once settle it in one; more tries are for somebody who writes the Secret again and again.
    private const int MaxTries = 8;
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    private readonly Func<IKubernetes> _client;
    private readonly string _namespace;
    private readonly TimeProvider _time;
    private GivenAuthority _given = null!; // set where the keys are opened

    private ClusterKeys(Func<IKubernetes> client, string @namespace, CertificateAuthority authority, OrderSigner orders, string orderKeyPem, TimeProvider time)
    {
        _client = client;
        _namespace = @namespace;
        _time = time;
        Authority = authority;
        Orders = orders;
        OrderKeyPem = orderKeyPem;
    }

    public CertificateAuthority Authority { get; }

    /// <summary>This process made the authority: there is no past that anyone could be captured by.</summary>
    internal bool WereMade { get; private init; }

    /// <summary>Signs capture orders.</summary>
    internal OrderSigner Orders { get; }

    /// <summary>The public half of that key, which Redirectors are given beforehand.</summary>
    internal string OrderKeyPem { get; }

    /// <inheritdoc/>
    public string InForce { get; private set; } = "";

    /// <summary>Reads the keys, and makes those that are missing. Waits for the API while it is away.</summary>
    /// <exception cref="AuthorityException">A key cannot be used.</exception>
    /// <exception cref="ClusterException">The API refuses.</exception>
    internal static async Task<ClusterKeys> OpenAsync(Func<IKubernetes> client, string @namespace, TimeSpan leafLifetime, TimeProvider time, ILogger logger,
        CancellationToken cancellation)
    {
        var wait = TimeSpan.FromMilliseconds(200);
        for (var tries = 1; ;)
        {
            try
            {
                var state = await ClusterState.ReadAsync(client, @namespace, cancellation);
                var hadAuthority = state.HasAuthority;
                var given = new GivenAuthority(leafLifetime, time);
                var keys = Take(state, given, null, time.GetUtcNow());
                var orders = OrderKeys.OfState(state);
                if (await state.TryCommitAsync(client, cancellation))
                {
                    var authority = new CertificateAuthority(keys, leafLifetime, time);
                    if (authority.IsExpired)
                        throw new AuthorityException($"the certificate of the authority in {state.Place} has expired");
                    logger.ClusterAuthority(state.Place, state.IsGiven ? "given" : hadAuthority ? "found" : "made", authority.Issuer);
                    return new ClusterKeys(client, @namespace, authority, orders, state.TryRead(OrderKeys.PublicFile)!, time)
                    {
                        WereMade = !hadAuthority,
                        InForce = TextsOf(state, given),
                        _given = given,
                    };
                }
                if (++tries > MaxTries)
                    throw new AuthorityException($"{state.Place} is written by somebody else again and again");
            }
            catch (ClusterException e) when (e.IsPassing)
            {
                logger.ClusterAway(e.Message);
                await Task.Delay(wait, time, cancellation);
                wait = wait * 2 < LongestRetry ? wait * 2 : LongestRetry;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<string> ReadAsync(CancellationToken cancellation)
    {
        var state = await StateAsync(cancellation);
        // Somebody removed it. What is in force stays: making another one would end the trust in every certificate that is in use.
        return state.HasAuthority ? TextsOf(state, _given) : throw new AuthorityException($"{state.Place} is gone; it is made anew only at a start");
    }

    /// <inheritdoc/>
    public async ValueTask ReloadAsync(CancellationToken cancellation)
    {
        var state = await StateAsync(cancellation);
        if (!state.HasAuthority)
            return;
        var keys = Take(state, _given, Authority.Keys, _time.GetUtcNow());
        // What retires must be known to whoever starts next, before it counts here.
        if (!await CommitAsync(state, cancellation))
            return; // another replica wrote it: it is looked at again
        Authority.Replace(keys);
        InForce = TextsOf(state, _given);
    }

    /// <summary>Takes one step of a root's rotation.</summary>
    /// <exception cref="AuthorityException">The step is refused, or the authority is the user's.</exception>
    /// <exception cref="ClusterException">The API cannot be reached, or refuses.</exception>
    internal static async Task RotateAsync(Func<IKubernetes> client, string @namespace, Action<RootRotation> step, TimeProvider time, CancellationToken cancellation)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var state = await ClusterState.ReadAsync(client, @namespace, cancellation);
            step(new RootRotation(state, time));
            if (await state.TryCommitAsync(client, cancellation))
                return;
        }
        throw new AuthorityException($"Secret {@namespace}/{ClusterState.AuthoritySecret} is written by somebody else again and again");
    }

    private async Task<ClusterState> StateAsync(CancellationToken cancellation)
    {
        try
        {
            return await ClusterState.ReadAsync(_client, _namespace, cancellation);
        }
        catch (ClusterException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private async Task<bool> CommitAsync(ClusterState state, CancellationToken cancellation)
    {
        try
        {
            return await state.TryCommitAsync(_client, cancellation);
        }
        catch (ClusterException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    // What is there now as it counts now; with what retires written into the state.
    private static AuthorityKeys Take(ClusterState state, GivenAuthority given, AuthorityKeys? inForce, DateTimeOffset now)
    {
        var read = AuthorityKeys.OfState(state, now);
        if (!state.IsGiven)
            return read;
        var kept = state.TryRead(RetiringRoots.File);
        var retiring = RetiringRoots.Parse(kept, state.Place);
        var keys = given.Take(read, inForce, ref retiring);
        if (retiring.ToString() != (kept ?? ""))
        {
            if (retiring.Roots.IsEmpty)
                state.Delete(RetiringRoots.File);
            else
                state.WritePrivate(RetiringRoots.File, retiring.ToString());
        }
        return keys;
    }

    private static string TextsOf(ClusterState state, GivenAuthority given) =>
        state.IsGiven ? $"{state.PublicTexts}\n{given.Stage(RetiringRoots.Parse(state.TryRead(RetiringRoots.File), state.Place))}" : state.PublicTexts;
}
