using System.Collections.Immutable;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>The straightforward C# relay of <c>bench/Rig/Plain</c>: what a good engineer would write in a day.</summary>
internal sealed class PlainKind(int portOffset) : ProxyKind("plain", portOffset)
{
    public override bool HasKeysForEachRoute => false;

    public override ProxySetup Client(ImmutableArray<ProxyRoute> routes) => Start(routes, "--tls-out", routes[0].Keys.A);

    public override ProxySetup Server(ImmutableArray<ProxyRoute> routes) => Start(routes, "--tls-in", routes[0].Keys.B);

    public override ProxySetup Plain(ImmutableArray<ProxyRoute> routes) => Start(routes);

    private ProxySetup Start(ImmutableArray<ProxyRoute> routes, params string[] tls)
    {
        var command = Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"),
            ["plain-relay", .. tls, "--root", routes[0].Keys.Root, .. routes.SelectMany(route => new[] { "--route", $"{route.From}={route.To}" })]);
        return new ProxySetup(command, command.ToString());
    }
}
