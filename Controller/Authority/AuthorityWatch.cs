using System.Security.Cryptography;

namespace Ambient.Controller.Authority;

/// <summary>
/// Follows where the authority is kept, so that a root is added, switched and retired without a restart. What cannot be used is told once,
/// and what was in force stays.
/// </summary>
/// <param name="onChanged">Told after the authority has changed.</param>
internal sealed class AuthorityWatch(IAuthorityPlace place, Action onChanged, TimeProvider time, ILogger logger)
{
    /// <summary>How often it looks.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private string _refused = "";

    /// <summary>Follows until it is cancelled; ends without an exception then.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                await LookAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    /// <summary>Looks once.</summary>
    internal async ValueTask LookAsync(CancellationToken cancellation = default)
    {
        try
        {
            if (await place.ReadAsync(cancellation) == place.InForce)
                return;
            await place.ReloadAsync(cancellation);
            _refused = "";
            logger.AuthorityChanged(place.Authority.Issuer, place.Authority.TrustBundle.Length);
            onChanged();
        }
        catch (Exception e) when (e is AuthorityException or IOException or UnauthorizedAccessException or CryptographicException)
        {
            // Half of a change, most likely: the other half is there with the next look.
            if (_refused != e.Message)
                logger.AuthorityNotRead(e.Message);
            _refused = e.Message;
        }
    }
}
