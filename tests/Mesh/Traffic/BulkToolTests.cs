using System.Security.Cryptography;
using System.Text.Json;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Programs that do little more than TCP: they show what an app may do with a connection.</summary>
public sealed class BulkToolTests(ShopMesh mesh) : SoftwareMeshTest(mesh)
{
    [Fact]
    public async Task Iperf3_sends_both_ways_and_over_parallel_streams_what_it_was_told()
    {
        const long Bytes = 100_000_000;
        var lab = await MeshAsync("iperf3");
        var addresses = await ServeAsync(lab, "iperf3", _ => Command.Of("iperf3", "-s", "-p", $"{Plans.AppPort}"));
        foreach (var address in addresses)
        {
            foreach (var kind in (string[][])[[], ["-R"], ["-P", "8"]])
            {
                var said = await RunAsync("iperf3", ["-c", $"{address}", "-p", "80", "-n", $"{Bytes}", "-J", .. kind]);
                var end = JsonDocument.Parse(said).RootElement.GetProperty("end");
                var received = end.GetProperty("sum_received").GetProperty("bytes").GetInt64();
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{address} {string.Join(' ', kind)}: {received} bytes, {end.GetProperty("sum_received").GetProperty("bits_per_second").GetDouble() / 1e9:0.00} Gbit/s");
                // The receiver stops counting when the sender says that it is done, with the last bytes on their way.
                Assert.InRange(received, Bytes * 8 / 10, Bytes * 2);
            }
        }
    }

    [Fact]
    public async Task Socat_hands_over_a_file_ends_its_half_and_gets_the_answer_afterwards()
    {
        var lab = await MeshAsync("socat");
        var file = RandomNumberGenerator.GetBytes(10_000_000);
        var path = Path.Combine(Folder, "file");
        await File.WriteAllBytesAsync(path, file);
        var addresses = await ServeAsync(lab, "socat", _ => Command.Of("socat", "-t", "30", $"TCP6-LISTEN:{Plans.AppPort},fork,reuseaddr,ipv6only=0", "EXEC:sha256sum"));
        foreach (var address in addresses)
        {
            // Only the end of what it reads makes sha256sum speak.
            var sum = await RunAsync("socat", "-t", "30", $"OPEN:{path},rdonly!!STDOUT", $"TCP:{Host(address)}:80");
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file)), sum.Split(' ')[0]);
        }
    }
}
