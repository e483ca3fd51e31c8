using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>What a later Redirector must know of a pod whose namespace we changed.</summary>
/// <param name="BootId">The kernel it happened under: after a reboot nothing of it is left.</param>
/// <param name="NamespaceCookie">The namespace; another one for the same pod is untouched.</param>
/// <param name="Pod">The pod as ordered: a serialized CapturedPod.</param>
/// <param name="SettingsBefore">The namespace's settings before us.</param>
/// <param name="ConnectionsFromBefore">As reported at capture.</param>
/// <param name="IsQuiet">The quiet rules are in force, since <paramref name="QuietSinceUnixSeconds"/>.</param>
/// <param name="QuietSinceUnixSeconds">0 while capturing.</param>
internal sealed record CaptureRecord(
    string BootId, ulong NamespaceCookie, byte[] Pod, PodSettings SettingsBefore, int ConnectionsFromBefore, bool IsQuiet, long QuietSinceUnixSeconds)
{
    /// <summary>The sandbox whose ADD brought it; empty for none.</summary>
    public string Container { get; init; } = "";

    /// <summary>No order knows the sandbox yet.</summary>
    public bool IsAhead { get; init; }

    /// <summary>What the runtime said of the sandbox's addresses, separated by commas.</summary>
    public string AddressesAtStart { get; init; } = "";

    /// <summary>An order that knows the sandbox was issued after this; 0: by its addresses alone.</summary>
    public long KnownSinceUnixSeconds { get; init; }
}
