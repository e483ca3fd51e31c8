using System.Buffers.Binary;
using System.Text;

namespace Ambient.Cli.Lab;

/// <summary>What a capture has of something that was searched for.</summary>
/// <param name="Packets">All packets captured.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="PacketsFound">Packets with one of the texts in them.</param>
/// <param name="BytesFound">The bytes of those packets.</param>
internal sealed record CaptureFindings(long Packets, long Bytes, long PacketsFound, long BytesFound);

/// <summary>Captures packets on an interface with tcpdump, and searches them.</summary>
internal sealed class PacketCapture
{
    private readonly LabProcess _process;
    private readonly string _file;

    private PacketCapture(LabProcess process, string file) => (_process, _file) = (process, file);

    /// <summary>Starts to capture everything on an interface; returns when tcpdump has its socket.</summary>
    public static async Task<PacketCapture> StartAsync(string network, string link, LabLog log)
    {
        var file = Path.GetTempFileName();
        var name = $"tcpdump {network} {link}";
        var before = log.Of(name).Count;
        // Whole packets, written as they come, by whoever started it: tcpdump would change to a user of its own.
        var process = LabProcess.Start(name, Command.Of("tcpdump", "-i", link, "-s", "0", "-U", "-n", "-Z", "root", "-B", "16384", "-w", file, "tcp").Inside(network), log);
        await Waiting.UntilAsync("tcpdump listens", TimeSpan.FromSeconds(10), log, () => Task.FromResult(
            log.Of(name).Skip(before).Any(line => line.Contains("listening on", StringComparison.Ordinal)) ? null
            : process.Ended.IsCompleted ? throw new LabException($"tcpdump ended: {string.Join(' ', log.Of(name).TakeLast(2))}") : "no word from it"));
        return new PacketCapture(process, file);
    }

    /// <summary>Ends it and searches what was captured.</summary>
    /// <param name="texts">Each is searched for on its own.</param>
    public async Task<IReadOnlyList<CaptureFindings>> StopAsync(params string[] texts)
    {
        await _process.TerminateAsync();
        var bytes = await File.ReadAllBytesAsync(_file);
        File.Delete(_file);
        return [.. texts.Select(text => Search(bytes, Encoding.ASCII.GetBytes(text)))];
    }

    /// <summary>Searches a capture file in the classic form (pcap-savefile(5)); of a last packet that is cut off nothing is counted.</summary>
    internal static CaptureFindings Search(ReadOnlySpan<byte> file, ReadOnlySpan<byte> text)
    {
        const int FileHead = 24, PacketHead = 16, CapturedLength = 8;
        long packets = 0, bytes = 0, packetsFound = 0, bytesFound = 0;
        for (var rest = file.Length > FileHead ? file[FileHead..] : []; rest.Length >= PacketHead;)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(rest[CapturedLength..]);
            if (length < 0 || PacketHead + length > rest.Length) break;
            var packet = rest.Slice(PacketHead, length);
            packets++;
            bytes += length;
            if (packet.IndexOf(text) >= 0)
            {
                packetsFound++;
                bytesFound += length;
            }
            rest = rest[(PacketHead + length)..];
        }
        return new CaptureFindings(packets, bytes, packetsFound, bytesFound);
    }
}
