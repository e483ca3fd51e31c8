using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Ambient.Controller;

/// <summary>Finds out where a started server listens, when the system was asked to choose the port.</summary>
internal static class Bound
{
    internal static IPEndPoint Of(WebApplication app)
    {
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return new IPEndPoint(IPAddress.Parse(address.DnsSafeHost), address.Port);
    }
}
