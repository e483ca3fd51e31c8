using System.Collections.Immutable;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>A service with what became of it in the model. The same object as long as nothing changed that it was made of.</summary>
/// <param name="Service">With those of its addresses that nobody else has.</param>
/// <param name="Told">As nodes are told of it; null if they could not use it.</param>
/// <param name="Warnings">What there is to say about it, each time that the model is made.</param>
internal sealed record PlacedService(ServiceObject Service, Resource? Told, ImmutableArray<string> Warnings);
