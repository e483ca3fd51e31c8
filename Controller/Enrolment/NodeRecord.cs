using System.Collections.Immutable;

namespace Ambient.Controller.Enrolment;

/// <summary>What outlives a node's stream.</summary>
/// <param name="BootId">Of the kernel that reported last.</param>
/// <param name="Capabilities">What the node said it can, in order.</param>
/// <param name="OrderVersion">Of the last order signed for it.</param>
internal sealed record NodeRecord(string Name, string BootId, ImmutableArray<string> Capabilities, ulong OrderVersion)
{
    internal static NodeRecord New(string name) => new(name, "", [], 0);
}
