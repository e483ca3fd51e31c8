namespace Ambient.Native.Unix;

/// <summary>Who stood at the other end when the connection (or the pair) was made, as the kernel saw it. Source: unix(7), SO_PEERCRED.</summary>
/// <param name="ProcessId">In this process's PID namespace; 0 when it lies outside.</param>
/// <param name="UserId">Effective user id, mapped into this user namespace.</param>
/// <param name="GroupId">Effective group id, mapped into this user namespace.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);
