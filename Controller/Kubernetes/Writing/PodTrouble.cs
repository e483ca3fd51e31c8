using System.Security.Cryptography;
using System.Text;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>That a pod could not be captured, or no longer is.</summary>
/// <param name="WasEnrolled">It was captured before.</param>
/// <param name="Reason">What its node says, for a person.</param>
internal sealed record PodTrouble(string Namespace, string Name, string Uid, string Node, bool WasEnrolled, string Reason)
{
    /// <summary>The event's reason: a word in CamelCase.</summary>
    internal string Word => WasEnrolled ? "CaptureLost" : "EnrolmentFailed";

    /// <summary>Name of its Event: the same from whichever replica, so that it is told once.</summary>
    internal string EventName =>
        $"{(Name.Length > 200 ? Name[..200] : Name).TrimEnd('.', '-')}.{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Uid}\n{Word}\n{Reason}")))[..16]}";
}
