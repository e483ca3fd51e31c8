namespace Ambient.NodeProxy.Telemetry;

/// <summary>
/// Who speaks to whom, and how: the labels of one edge. Names of workloads, never of pods, so that their number follows the size of the
/// mesh's configuration and not its churn. An unknown part is empty and shown as <c>unknown</c>.
/// </summary>
public sealed record EdgeKey(
    Reporter Reporter,
    string SourceWorkload,
    string SourceNamespace,
    string SourceIdentity,
    string DestinationWorkload,
    string DestinationNamespace,
    string DestinationIdentity,
    string Service,
    Way Way,
    Protection Protection)
{
    /// <summary>The edge that stands for all beyond the limit on their number.</summary>
    public static EdgeKey Other(Reporter reporter, Way way, Protection protection) =>
        new(reporter, "other", "other", "other", "other", "other", "other", "other", way, protection);
}
