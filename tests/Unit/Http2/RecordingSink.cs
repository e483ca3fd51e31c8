using System.Text;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2;

/// <summary>Writes down what a parser says. Pieces of one DATA frame are put together, so that fragmentation does not show.</summary>
internal sealed class RecordingSink : IFrameSink
{
    private readonly StringBuilder _data = new();
    private int _dataStream;
    private int _counted;

    public List<string> Events { get; } = [];

    /// <summary>What the next call answers.</summary>
    public Http2ErrorCode Answer { get; set; }

    /// <summary>Everything seen, an unfinished DATA frame included.</summary>
    public string[] Seen => _data.Length > 0 || _counted > 0 ? [.. Events, DataLine("...")] : [.. Events];

    public Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream)
    {
        if (flowControlled > 0 || (chunk.IsEmpty && _counted == 0))
            FlushData();
        _dataStream = streamId;
        _counted += flowControlled;
        _data.Append(Convert.ToHexString(chunk));
        if (endStream)
        {
            Events.Add(DataLine(" end"));
            _data.Clear();
            _counted = 0;
        }
        else if (flowControlled == 0 && chunk.IsEmpty)
        {
            Events.Add(DataLine(""));
        }

        return Answer;
    }

    public Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream) =>
        Say($"HEADERS {streamId}{(endStream ? " end" : "")} {string.Join(" | ", HeaderText.Lines(headers))}");

    public Http2ErrorCode OnHeadersRefused(int streamId, string reason) =>
        Say($"REFUSED {streamId} {reason}");

    public Http2ErrorCode OnSettings(in Http2Settings settings) => Say($"SETTINGS {settings}");

    public Http2ErrorCode OnSettingsAck() => Say("SETTINGS ack");

    public Http2ErrorCode OnPing(ulong opaque, bool ack) => Say($"PING {opaque:x16}{(ack ? " ack" : "")}");

    public Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug) =>
        Say($"GOAWAY {lastStreamId} {code} {Convert.ToHexString(debug)}");

    public Http2ErrorCode OnReset(int streamId, Http2ErrorCode code) => Say($"RST_STREAM {streamId} {code}");

    public Http2ErrorCode OnWindowUpdate(int streamId, int increment) => Say($"WINDOW_UPDATE {streamId} {increment}");

    private Http2ErrorCode Say(string line)
    {
        FlushData();
        Events.Add(line);
        return Answer;
    }

    private void FlushData()
    {
        if (_counted == 0)
            return;
        Events.Add(DataLine(""));
        _data.Clear();
        _counted = 0;
    }

    private string DataLine(string suffix) => $"DATA {_dataStream} counts {_counted} [{_data}]{suffix}";
}
