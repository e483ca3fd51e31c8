using System.Security.Cryptography;

namespace Ambient.Controller.Authority;

/// <summary>
/// Follows the files of the authority, so that a root is added, switched and retired without a restart. What cannot be used is told once,
/// and what was in force stays.
/// </summary>
/// <param name="onChanged">Told after the authority has changed.</param>
internal sealed class AuthorityWatch(StateKeys keys, Action onChanged, TimeProvider time, ILogger logger)
{
    /// <summary>How often it looks.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private string _seen = keys.AuthorityFiles.Read();
    private string _refused = "";

    /// <summary>Follows until it is cancelled; ends without an exception then.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                Look();
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    /// <summary>Looks once.</summary>
    internal void Look()
    {
        try
        {
            var text = keys.AuthorityFiles.Read();
            if (text == _seen)
                return;
            keys.Reload();
            _seen = text;
            logger.AuthorityChanged(keys.Authority.Issuer, keys.Authority.TrustBundle.Length);
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
