using System.Text;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2;

/// <summary>
/// Writes down what a parser says. DATA that follows DATA of its stream is put together, so that neither fragmentation nor
/// the cut into frames shows.
/// </summary>
internal sealed class RecordingSink : IFrameSink
{
    private readonly List<string> _events = [];
    private readonly StringBuilder _data = new();
    private int _dataStream;
    private int _counted;

    /// <summary>What every call answers.</summary>
    public Http2ErrorCode Answer { get; set; }

    /// <summary>Everything said so far.</summary>
    public string[] Seen => _dataStream == 0 ? [.. _events] : [.. _events, DataLine("")];

    public Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream)
    {
        if (_dataStream != streamId)
            EndData("");
        _dataStream = streamId;
        _counted += flowControlled;
        _data.Append(Convert.ToHexString(chunk));
        if (endStream)
            EndData(" end");
        return Answer;
    }

    public Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream) =>
        Say($"HEADERS {streamId}{(endStream ? " end" : "")} {string.Join(" | ", HeaderText.Lines(headers))}");

    public Http2ErrorCode OnHeadersRefused(int streamId, string reason) => Say($"REFUSED {streamId}");

    public Http2ErrorCode OnSettings(in Http2Settings settings) => Say($"SETTINGS {settings}");

    public Http2ErrorCode OnSettingsAck() => Say("SETTINGS ack");

    public Http2ErrorCode OnPing(ulong opaque, bool ack) => Say($"PING {opaque:x16}{(ack ? " ack" : "")}");

    public Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug) =>
        Say($"GOAWAY {lastStreamId} {code} {Convert.ToHexString(debug)}");

    public Http2ErrorCode OnReset(int streamId, Http2ErrorCode code) => Say($"RST_STREAM {streamId} {code}");

    public Http2ErrorCode OnWindowUpdate(int streamId, int increment) => Say($"WINDOW_UPDATE {streamId} {increment}");

    private Http2ErrorCode Say(string line)
    {
        EndData("");
        _events.Add(line);
        return Answer;
    }

    private void EndData(string suffix)
    {
        if (_dataStream == 0)
            return;
        _events.Add(DataLine(suffix));
        _data.Clear();
        _dataStream = 0;
        _counted = 0;
    }

    private string DataLine(string suffix) => $"DATA {_dataStream} counts {_counted} [{_data}]{suffix}";
}
