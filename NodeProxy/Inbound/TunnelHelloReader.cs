using System.Text;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>Finds out whether a connection to an app's port begins with a tunnel of ours.</summary>
/// <param name="undecided">Called when bytes came that may still become one: their sender should not wait for ever.</param>
internal sealed class TunnelHelloReader(Action undecided) : IFirstBytesReader
{
    private static readonly byte[] Protocol = Encoding.ASCII.GetBytes(TunnelEntries.OriginalPortProtocol);

    /// <inheritdoc/>
    public int MostBytes => ClientHelloReader.MaxBytes;

    /// <inheritdoc/>
    public Look Read(ReadOnlySpan<byte> bytes, bool isAll)
    {
        var verdict = bytes.IsEmpty ? ClientHelloVerdict.NotOffered : ClientHelloReader.Read(bytes, Protocol);
        if (verdict == ClientHelloVerdict.Undecided && !isAll) undecided();
        return verdict switch
        {
            ClientHelloVerdict.Offered => Look.Divert,
            ClientHelloVerdict.Undecided when !isAll => Look.More,
            ClientHelloVerdict.Undecided or ClientHelloVerdict.NotOffered => Look.PassAll,
        };
    }
}
