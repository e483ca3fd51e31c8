using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ambient.Controller.Authority;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Enrolment;

/// <summary>
/// What the next controller process must know so as not to disturb captured pods: STATE/enrolment.json, written before a
/// state is announced. See docs/decisions/0005-controller-restart.md.
/// </summary>
internal sealed class EnrolmentFile(StateFolder state)
{
    private const string Name = "enrolment.json";
    private const int Format = 1;

    /// <summary>Writes the file anew, whole.</summary>
    internal void Write(IEnumerable<PodEnrolment> pods, IReadOnlyDictionary<string, PodExclusions> exclusions, IEnumerable<NodeRecord> nodes) =>
        state.WriteRecord(Name, stream => JsonSerializer.Serialize(stream, new Content
        {
            Format = Format,
            Pods = [.. pods.OrderBy(p => p.Uid, StringComparer.Ordinal).Select(p => new Pod
            {
                Uid = p.Uid,
                Node = p.Node,
                State = p.State,
                Ordered = p.IsOrdered,
                Phase = p.Phase,
                ExclusionsAnnounced = exclusions.GetValueOrDefault(p.Uid)?.Announced ?? [],
                ExclusionsOrdered = exclusions.GetValueOrDefault(p.Uid)?.Ordered ?? [],
            })],
            Nodes = [.. nodes.OrderBy(n => n.Name, StringComparer.Ordinal)],
        }, EnrolmentJson.Default.Content));

    /// <summary>Reads what the predecessor wrote.</summary>
    /// <param name="fault">Why the file cannot be used, for a person; null if it can, or if there is none.</param>
    /// <returns>Null if there is no such file or it cannot be used.</returns>
    internal Record? TryRead(out string? fault)
    {
        fault = null;
        if (state.TryRead(Name) is not { } text)
            return null;
        try
        {
            var content = JsonSerializer.Deserialize(text, EnrolmentJson.Default.Content);
            if (content is { Format: Format })
            {
                return new Record(
                    [.. content.Pods.Select(p => new PodEnrolment(p.Uid, p.Node, p.State, p.Ordered, p.Phase, "", 0, 0, null))],
                    content.Pods.ToImmutableDictionary(p => p.Uid, p => (p.ExclusionsAnnounced, p.ExclusionsOrdered)),
                    content.Nodes);
            }
            fault = $"{Name} has a format other than {Format}";
        }
        catch (JsonException e)
        {
            fault = $"{Name}: {e.Message}";
        }
        return null;
    }

    /// <summary>What the predecessor knew.</summary>
    internal sealed record Record(ImmutableArray<PodEnrolment> Pods,
        ImmutableDictionary<string, (ImmutableArray<uint> Announced, ImmutableArray<uint> Ordered)> Exclusions, ImmutableArray<NodeRecord> Nodes);

    internal sealed class Content
    {
        public required int Format { get; init; }
        public required ImmutableArray<Pod> Pods { get; init; }
        public required ImmutableArray<NodeRecord> Nodes { get; init; }
    }

    internal sealed class Pod
    {
        public required string Uid { get; init; }
        public required string Node { get; init; }
        public required EnrolmentState State { get; init; }
        public required bool Ordered { get; init; }
        public required PodPhase Phase { get; init; }

        // Settable, since the reader leaves out the initializer of an init-only property that a file lacks.
        public ImmutableArray<uint> ExclusionsAnnounced { get; set; } = [];
        public ImmutableArray<uint> ExclusionsOrdered { get; set; } = [];
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(EnrolmentFile.Content))]
internal sealed partial class EnrolmentJson : JsonSerializerContext;
