namespace Ambient.Redirector.Capture;

/// <summary>
/// Sockets of a pod whose connections need no (further) look: established before capture, or seen to be redirected. By cookie, which the
/// kernel gives to one socket only.
/// </summary>
/// <param name="Cookies">The sockets'.</param>
/// <param name="IsComplete">All from before capture are among them; otherwise nothing that is missing may be closed.</param>
internal sealed record KnownConnections(IReadOnlySet<ulong> Cookies, bool IsComplete)
{
    public static KnownConnections Unknown { get; } = new(new HashSet<ulong>(), IsComplete: false);
}
