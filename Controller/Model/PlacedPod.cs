using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>A pod with what became of it in the model. The same object as long as nothing changed that it was made of.</summary>
/// <param name="Addresses">Those of its addresses that nobody else has; on the host's network all of them.</param>
/// <param name="Told">As nodes are told of it; null if they could not use it.</param>
internal sealed class PlacedPod(PodObject pod, ImmutableArray<IPAddress> addresses, MeshPod? told, ImmutableArray<string> warnings)
{
    internal PodObject Pod => pod;

    internal ImmutableArray<IPAddress> Addresses => addresses;

    internal MeshPod? Told => told;

    /// <summary>What there is to say about it, each time that the model is made.</summary>
    internal ImmutableArray<string> Warnings => warnings;
}
