using System.Collections.Immutable;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>The straightforward C# relay of <c>bench/Rig/Plain</c>: what a good engineer would write in a day.</summary>
internal sealed class PlainKind(int portOffset, PeerKeys keys) : ProxyKind("plain", portOffset)
{
    public override ProxySetup Client(ImmutableArray<ProxyRoute> routes) => Start(routes, "--tls-out", keys.A);

    public override ProxySetup Server(ImmutableArray<ProxyRoute> routes) => Start(routes, "--tls-in", keys.B);

    public override ProxySetup Plain(ImmutableArray<ProxyRoute> routes) => Start(routes);

    private ProxySetup Start(ImmutableArray<ProxyRoute> routes, params string[] tls)
    {
        var command = Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"),
            ["plain-relay", .. tls, "--root", keys.Root, .. routes.SelectMany(route => new[] { "--route", $"{route.From}={route.To}" })]);
        return new ProxySetup(command, command.ToString());
    }
}
