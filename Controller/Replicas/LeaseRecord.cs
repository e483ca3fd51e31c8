namespace Ambient.Controller.Replicas;

/// <summary>What a Lease says, and which version of it said so.</summary>
/// <param name="Holder">Empty if nobody holds it.</param>
/// <param name="DurationSeconds">How long the holder wants to be believed after each renewal.</param>
/// <param name="Transitions">How often it passed from one holder to another.</param>
/// <param name="AcquireTime">When the holder took it, by its own clock: for people, never compared.</param>
/// <param name="RenewTime">When it was renewed, by the holder's clock: for people; only that it changes counts.</param>
/// <param name="Version">The API's resourceVersion; null for one that is not there yet.</param>
internal sealed record LeaseRecord(string Holder, int DurationSeconds, int Transitions, DateTime? AcquireTime, DateTime? RenewTime, string? Version);
