using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>A service with what became of it in the model. Immutable.</summary>
/// <param name="Service">With those of its addresses that nobody else has.</param>
/// <param name="Told">As nodes are told of it; null if they could not use it.</param>
/// <param name="Endpoints">One an address. Those that did not change are the objects that they were.</param>
internal sealed record PlacedService(ServiceObject Service, ToldResource? Told, ImmutableArray<ToldResource> Endpoints);
