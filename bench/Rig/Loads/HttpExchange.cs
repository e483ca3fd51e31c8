using System.Buffers.Text;
using System.Net.Sockets;
using Ambient.Native.Sockets;

namespace Ambient.Bench.Rig.Loads;

/// <summary>A connection and the answer that is expected on it: HTTP/1.1 with Content-Length. Disposing it closes the connection.</summary>
internal sealed class HttpExchange(Socket socket) : IDisposable
{
    private const int LongestHead = 4096;

    private static readonly byte[] Request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"u8.ToArray();

    private byte[] _head = [];
    private long _missing;
    private bool _isInBody;

    public int Number { get; } = (int)socket.Handle;

    /// <summary>When the request was due, in ticks of the stopwatch.</summary>
    public long Due { get; private set; }

    /// <summary>Sends the next request.</summary>
    /// <returns>False if the connection does not take it.</returns>
    public bool TryAsk(long due)
    {
        (Due, _isInBody) = (due, false);
        return SocketCalls.Write(Number, Request).Bytes == Request.Length;
    }

    /// <summary>Counts bytes of the answer; true when it is complete.</summary>
    /// <exception cref="InvalidDataException">It is not what is expected.</exception>
    public bool Add(ReadOnlySpan<byte> bytes)
    {
        if (!_isInBody)
        {
            // A relay may cut the head in two; mostly it does not.
            if (_head.Length > 0) bytes = (byte[])[.. _head, .. bytes];
            int end = bytes.IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                if (bytes.Length > LongestHead) throw new InvalidDataException("the head of the server's answer has no end");
                _head = bytes.ToArray();
                return false;
            }

            _head = [];
            var head = bytes[..end];
            if (!head.StartsWith("HTTP/1.1 200 "u8)) throw new InvalidDataException($"the server answers '{System.Text.Encoding.Latin1.GetString(head)}'");
            int at = Math.Max(head.IndexOf("Content-Length: "u8), head.IndexOf("content-length: "u8)) + 16; // HTTP proxies write it small
            if (at < 16 || !Utf8Parser.TryParse(head[at..], out _missing, out _)) throw new InvalidDataException("the server's answer has no Content-Length");
            _isInBody = true;
            bytes = bytes[(end + 4)..];
        }

        _missing -= bytes.Length;
        return _missing <= 0;
    }

    public void Dispose() => socket.Dispose();
}
