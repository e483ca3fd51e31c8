using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>Makes the services that a change was about anew, each with its endpoints. Owned by the thread of its <see cref="ModelBuilder"/>.</summary>
/// <param name="services">What is there, and what of it is to be made.</param>
/// <param name="addresses">Who has which address.</param>
/// <param name="warnings">Told what is wrong with a service or a slice.</param>
internal sealed class ServicePlacer(ServiceBook services, AddressBook addresses, EndpointBuilder endpoints, WarningBook warnings)
{
    internal void Place(ModelDraft draft)
    {
        foreach (var slot in services.Dirty)
        {
            if (slot.Service is { } service)
                Place(slot, service, draft);
            else
                Remove(slot, draft);
        }
        services.AllMade();
    }

    private void Remove(ServiceSlot slot, ModelDraft draft)
    {
        warnings.Set(("service", slot.Key), []);
        warnings.Set(("endpoints", slot.Key), [.. slot.Slices.Select(slice => $"{slice} is ignored: service {slot.Namespace}/{slot.Name}, which it names, is not there")]);
        draft.SetService(slot.Key, slot.Placed, null);
        slot.Placed = null;
        services.Made(slot, []);
    }

    private void Place(ServiceSlot slot, ServiceObject service, ModelDraft draft)
    {
        var (own, told) = (slot.Placed?.Service, slot.Placed?.Told);
        if (slot.IsDirty || own is null)
        {
            var said = new SortedSet<string>(addresses.LossesOf(service, service.Addresses), StringComparer.Ordinal);
            var ownAddresses = addresses.OwnOf(service, service.Addresses);
            own = ownAddresses == service.Addresses ? service : service with { Addresses = ownAddresses };
            var resource = ServiceBuilder.Build(own, said.Add);
            var fresh = Sendable.Check(resource, said) ? ToldResource.Of(resource, own.Namespace) : null;
            told = fresh is not null && told?.SaysWhat(fresh) == true ? told : fresh;
            warnings.Set(("service", slot.Key), said);
        }
        var made = endpoints.Make(slot, service);
        warnings.Set(("endpoints", slot.Key), made.Warnings);
        var placed = new PlacedService(own, told, made.Endpoints);
        draft.SetService(slot.Key, slot.Placed, placed);
        slot.Placed = placed;
        services.Made(slot, made.Missing);
    }
}
