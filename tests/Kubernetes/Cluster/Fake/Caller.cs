namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>Who makes a request.</summary>
/// <param name="Extra">What the API tells of a token's binding.</param>
internal sealed record Caller(string Name, string Uid, IReadOnlyList<string> Groups, IReadOnlyDictionary<string, string> Extra)
{
    internal const string Masters = "system:masters";

    internal static Caller Anonymous { get; } = new("system:anonymous", "", ["system:unauthenticated"], new Dictionary<string, string>());
}
