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
                var end = await MeasureAsync(["-c", $"{address}", "-p", "80", "-n", $"{Bytes}", "-J", .. kind]);
                var received = end.GetProperty("sum_received").GetProperty("bytes").GetInt64();
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{address} {string.Join(' ', kind)}: {received} bytes, {end.GetProperty("sum_received").GetProperty("bits_per_second").GetDouble() / 1e9:0.00} Gbit/s");
                // The receiver stops counting when the sender says over another connection that it is done. What is still on its way then
                // (eight streams with the buffers of four sockets each) is not counted, so that only the sender's figure is exact.
                Assert.InRange(end.GetProperty("sum_sent").GetProperty("bytes").GetInt64(), Bytes, Bytes + (8 * 128 * 1024));
                Assert.InRange(received, Bytes / 4, Bytes + (8 * 128 * 1024));
            }
        }
    }

    // A server of iperf3 serves one test at a time, and may not have seen the end of the last one yet.
    private static async Task<JsonElement> MeasureAsync(string[] arguments)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Its exit status is 0 also when its report says that nothing was measured.
            var result = JsonDocument.Parse(await RunAsync("iperf3", arguments)).RootElement;
            if (!result.TryGetProperty("error", out var error)) return result.GetProperty("end");
            Assert.True(attempt < 20 && error.GetString()!.Contains("busy", StringComparison.Ordinal), error.GetString());
            await Task.Delay(TimeSpan.FromMilliseconds(100));
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
