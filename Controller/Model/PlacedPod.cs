using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>A pod with what became of it in the model. Immutable.</summary>
/// <param name="Addresses">Those of its addresses that nobody else has; on the host's network all of them.</param>
/// <param name="Around">What else it was made of.</param>
/// <param name="Told">As nodes are told of it; null if they could not use it.</param>
internal sealed record PlacedPod(PodObject Pod, ImmutableArray<IPAddress> Addresses, PodSurroundings Around, MeshPod? Told)
{
    /// <summary>Whether it would become the very same again.</summary>
    internal bool IsMadeOf(PodObject pod, ImmutableArray<IPAddress> addresses, PodSurroundings around) =>
        ReferenceEquals(Pod, pod) && ReferenceEquals(Around, around) && Addresses.AsSpan().SequenceEqual(addresses.AsSpan());
}
