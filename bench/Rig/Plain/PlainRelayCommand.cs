using System.CommandLine;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Bench.Rig.Plain;

/// <summary>The command line of the plain relay, as the rig starts it.</summary>
internal static class PlainRelayCommand
{
    public static Command Make()
    {
        var routes = new Option<string[]>("--route") { Description = "ADDRESS:PORT=ADDRESS:PORT", Required = true };
        var tlsIn = new Option<string?>("--tls-in") { Description = "PEM file with certificate and key for the accepting side" };
        var tlsOut = new Option<string?>("--tls-out") { Description = "PEM file with certificate and key for the connecting side" };
        var root = new Option<string?>("--root") { Description = "PEM file with the root that peers must lead to" };
        var command = new Command("plain-relay", "The plain C# relay that the rig compares with.") { routes, tlsIn, tlsOut, root };
        command.SetAction(async parsed =>
        {
            var relay = new PlainRelay(Load(parsed.GetValue(tlsIn)), Load(parsed.GetValue(tlsOut)),
                parsed.GetValue(root) is { } file ? X509CertificateLoader.LoadCertificateFromFile(file) : null);
            await Task.WhenAll(parsed.GetValue(routes)!.Select(route =>
            {
                var ends = route.Split('=');
                return relay.ServeAsync(IPEndPoint.Parse(ends[0]), IPEndPoint.Parse(ends[1]));
            }));
        });
        return command;
    }

    private static X509Certificate2? Load(string? file) => file is null ? null : X509Certificate2.CreateFromPemFile(file, file);
}
