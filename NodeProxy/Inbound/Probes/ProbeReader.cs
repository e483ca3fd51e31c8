using Ambient.NodeProxy.Http2;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound.Probes;

/// <summary>
/// Lets through what the probes of one port declare, and nothing else. The first bytes say which kind it is; from then on only that
/// kind's reader decides.
/// </summary>
internal sealed class ProbeReader(IReadOnlyList<Probe> declared) : IFirstBytesReader
{
    private const byte HandshakeRecord = 22, MajorVersion = 3;   // RFC 8446, section 5.1
    private const int TellingBytes = 3;                          // "PRI" is no HTTP/1.1 method, "GET" no preface

    private IFirstBytesReader? _chosen;

    /// <inheritdoc/>
    public int MostBytes => 16 * 1024;

    /// <summary>As what the connection was taken; null before.</summary>
    public Probe? Taken { get; private set; }

    /// <inheritdoc/>
    public Look Read(ReadOnlySpan<byte> bytes, bool isAll)
    {
        if (_chosen is not null) return _chosen.Read(bytes, isAll);
        if (bytes.IsEmpty) return Take(ProbeKind.Tcp) ? Look.Finish : Refuse("the client ended without a byte");

        if (bytes[0] == HandshakeRecord)
        {
            if (bytes.Length == 1 && !isAll) return Look.More;
            return bytes.Length > 1 && bytes[1] == MajorVersion && Take(ProbeKind.Https) ? Look.PassAll : Refuse("the client began TLS");
        }

        if (FrameWriter.Preface[..TellingBytes].StartsWith(bytes[..Math.Min(bytes.Length, TellingBytes)]))
        {
            if (bytes.Length < TellingBytes && !isAll) return Look.More;
            if (bytes.Length < TellingBytes || !Take(ProbeKind.Grpc)) return Refuse("the client began HTTP/2");
            _chosen = new GrpcProbeReader(Of(ProbeKind.Grpc), MostBytes);
        }
        else if (Take(ProbeKind.Http))
        {
            _chosen = new HttpProbeReader(Of(ProbeKind.Http), taken => Taken = taken);
        }
        else
        {
            return Refuse("the client sent something else");
        }

        return _chosen.Read(bytes, isAll);
    }

    private bool Take(ProbeKind kind) => (Taken = declared.FirstOrDefault(probe => probe.Kind == kind)) is not null;

    private IReadOnlyList<Probe> Of(ProbeKind kind) => [.. declared.Where(probe => probe.Kind == kind)];

    private Look Refuse(string what) =>
        Look.Refuse($"the pod's spec lets its node ask for {string.Join(", or ", declared.Select(DeclaredProbes.Describe))}; {what}");
}
