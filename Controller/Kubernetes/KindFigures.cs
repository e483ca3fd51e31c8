using Ambient.Controller.Kubernetes.Following;

namespace Ambient.Controller.Kubernetes;

/// <summary>How it goes with one kind that is followed.</summary>
/// <param name="Kind">As the API has it: <c>pods</c>, <c>endpointslices.discovery.k8s.io</c>.</param>
/// <param name="Objects">Held now.</param>
internal sealed record KindFigures(string Kind, int Objects, FollowTally Tally);
