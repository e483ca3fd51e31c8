using System.Net.Sockets;
using System.Text.Json.Nodes;
using Ambient.Cli.Commands;
using Ambient.Cli.Lab;

namespace Ambient.Tests.Unit.Cli;

/// <summary>What a person reads who asks a node, or asks in vain.</summary>
public sealed class AskingTests
{
    [Fact]
    public void Identities_are_told_with_their_pods_times_and_roots()
    {
        var answer = JsonNode.Parse("""
            {"node": "n1", "identities": [
              {"identity": "spiffe://d/ns/shop/sa/web", "pods": ["shop/web-1", "shop/web-2"], "issuer": "CN=Ambient d", "serial": "0A1B",
               "not_before": "2026-01-01T00:00:00+00:00", "not_after": "2026-01-03T00:00:00+00:00", "renews_at": "2026-01-02T00:00:00.5+00:00", "generation": 3},
              {"identity": "spiffe://d/ns/shop/sa/old", "pods": [], "issuer": "CN=Ambient d", "serial": "0C",
               "not_before": "2026-01-01T00:00:00+00:00", "not_after": "2026-01-03T00:00:00+00:00", "renews_at": null, "generation": 1}],
             "missing": [{"identity": "spiffe://d/ns/shop/sa/new", "pods": ["shop/new-1"]}],
             "roots": [{"subject": "CN=Ambient d", "sha256": "00FF", "not_after": "2036-01-01T00:00:00+00:00"}]}
            """)!;
        Assert.Equal("""
            spiffe://d/ns/shop/sa/web
              pods:    shop/web-1, shop/web-2
              issuer:  CN=Ambient d
              serial:  0A1B   generation 3
              valid:   2026-01-01 00:00:00Z to 2026-01-03 00:00:00Z, renewed about 2026-01-02 00:00:00Z
            spiffe://d/ns/shop/sa/old
              pods:    none any more
              issuer:  CN=Ambient d
              serial:  0C   generation 1
              valid:   2026-01-01 00:00:00Z to 2026-01-03 00:00:00Z, renewed about an unknown time
            spiffe://d/ns/shop/sa/new
              pods:    shop/new-1
              no valid certificate: see 'ambientctl status' and the log of ambient-node
            root: CN=Ambient d, SHA-256 00FF, until 2036-01-01 00:00:00Z

            """, IdentityCommand.Text(answer));
    }

    [Fact]
    public async Task Who_asks_in_vain_is_told_why_and_what_to_do()
    {
        var folder = Directory.CreateTempSubdirectory("ambient-test-").FullName;
        try
        {
            Assert.Contains("there is no such folder. Start ambient-node with --admin-socket", await AskInVainAsync(Path.Combine(folder, "none", "node.sock")), StringComparison.Ordinal);
            Assert.Contains("there is no such socket. Is ambient-node running on this machine", await AskInVainAsync(Path.Combine(folder, "node.sock")), StringComparison.Ordinal);

            var left = Path.Combine(folder, "left.sock");
            using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                socket.Bind(new UnixDomainSocketEndPoint(left));
                Assert.Contains("nobody listens. ambient-node has ended: start it again", await AskInVainAsync(left), StringComparison.Ordinal);
            }
            Assert.Contains("may not open it. Run ambientctl as ambient-node's own user or as root",
                NodeSocket.Explain(left, new HttpRequestException("", new SocketException((int)SocketError.AccessDenied))), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> AskInVainAsync(string path)
    {
        using var client = AdminClient.OverSocket(path);
        var fault = await Assert.ThrowsAnyAsync<Exception>(() => client.GetJsonAsync("/status"));
        Assert.True(NodeSocket.IsSilence(fault));
        return NodeSocket.Explain(path, fault);
    }
}
