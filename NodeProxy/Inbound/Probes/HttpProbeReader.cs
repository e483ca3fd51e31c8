using System.Text;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>
/// Lets one HTTP/1.1 request through, of a declared method and path and without a body, and not a byte after it. The request goes on
/// with <c>Connection: close</c>, so that the exchange ends with the answer (RFC 9112, section 9.6).
/// </summary>
/// <param name="declared">At least one.</param>
/// <param name="taken">Told which of them it is.</param>
internal sealed class HttpProbeReader(IReadOnlyList<Probe> declared, Action<Probe> taken) : IFirstBytesReader
{
    private bool _hasPassed;

    /// <inheritdoc/>
    public int MostBytes => HttpProbeHead.MaxBytes;

    /// <inheritdoc/>
    public Look Read(ReadOnlySpan<byte> bytes, bool isAll)
    {
        if (_hasPassed) return bytes.IsEmpty ? Look.PassAll : Look.Refuse("a probe is one request, and more bytes came after it");
        return HttpProbeHead.TryRead(bytes, out var head) switch
        {
            HttpHeadOutcome.NeedMore when !isAll => Look.More,
            HttpHeadOutcome.NeedMore => Look.Refuse($"the request ended in its head, or its head is longer than {HttpProbeHead.MaxBytes} bytes"),
            HttpHeadOutcome.Bad => Look.Refuse($"not the request of a probe: {head.Fault}"),
            HttpHeadOutcome.Read => Pass(bytes, head),
        };
    }

    private Look Pass(ReadOnlySpan<byte> bytes, in HttpProbeHead head)
    {
        foreach (var probe in declared)
        {
            if (!Equal(bytes[head.Method], probe.Method) || !Equal(bytes[head.Target], probe.Path)) continue;
            if (bytes.Length > head.Bytes) return Look.Refuse("a probe is one request, and more bytes came with it");
            _hasPassed = true;
            taken(probe);
            return Look.Replace(head.Bytes, head.WithClose(bytes));
        }

        return Look.Refuse($"the pod's spec declares no probe {Printable(bytes[head.Method])} {Printable(bytes[head.Target])}");
    }

    private static bool Equal(ReadOnlySpan<byte> bytes, string declared) =>
        bytes.Length == Encoding.UTF8.GetByteCount(declared) && bytes.SequenceEqual(Encoding.UTF8.GetBytes(declared));

    // The reader let visible ASCII through only.
    private static string Printable(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes[..Math.Min(bytes.Length, 200)]);
}
