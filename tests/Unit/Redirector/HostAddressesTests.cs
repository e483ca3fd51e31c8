using System.Net;
using Ambient.Redirector.Namespaces;

namespace Ambient.Tests.Unit.Redirector;

public sealed class HostAddressesTests : IDisposable
{
    private readonly string _net = Directory.CreateTempSubdirectory("ambient-test-").FullName;

    public void Dispose() => Directory.Delete(_net, recursive: true);

    // As Linux 6 prints them: the tables twice, a bridge's address among them, broadcast and network addresses as well.
    [Fact]
    public void What_pods_can_be_called_from_is_found_once_and_nothing_else()
    {
        const string Table = """
              +-- 0.0.0.0/0 3 0 5
                 |-- 0.0.0.0
                    /0 universe UNICAST
                 +-- 127.0.0.0/8 2 0 2
                    +-- 127.0.0.0/31 1 0 0
                       |-- 127.0.0.0
                          /8 host LOCAL
                       |-- 127.0.0.1
                          /32 host LOCAL
                 +-- 10.244.2.0/24 2 0 2
                    |-- 10.244.2.0
                       /24 link UNICAST
                    |-- 10.244.2.1
                       /32 host LOCAL
                    |-- 10.244.2.255
                       /32 link BROADCAST
                 |-- 169.254.20.10
                    /32 host LOCAL
                 |-- 192.0.2.2
                    /32 host LOCAL

            """;
        File.WriteAllText(Path.Combine(_net, "fib_trie"), $"Main:\n{Table}Local:\n{Table}");
        File.WriteAllText(Path.Combine(_net, "if_inet6"), """
            fd000000000000000000000000000002 04 40 00 82     eth0
            fe8000000000000000fc00fffe000001 04 40 20 80     eth0
            00000000000000000000000000000001 01 80 10 80       lo
            no address at all

            """);

        Assert.Equal(["10.244.2.1", "192.0.2.2", "fd00::2"], new HostAddresses(_net).Read().Select(a => a.ToString()));
    }

    [Fact]
    public void What_cannot_be_read_is_empty() => Assert.Empty(new HostAddresses(Path.Combine(_net, "gone")).Read());

    // kube-proxy with IPVS gives the machine every service's address.
    [Fact]
    public void Of_many_the_first_of_their_range_are_told()
    {
        var many = Enumerable.Range(0, 5000).Select(i => $"10.96.{i / 250}.{(i % 250) + 1}").Append("10.0.0.7");
        File.WriteAllLines(Path.Combine(_net, "fib_trie"), many.SelectMany(a => (string[])[$"     |-- {a}", "        /32 host LOCAL"]));

        var read = new HostAddresses(_net).Read();
        Assert.Equal(HostAddresses.Most, read.Count);
        Assert.Equal(IPAddress.Parse("10.0.0.7"), read[0]);
    }
}
