using System.Net.Security;
using System.Security.Authentication;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>ClientHellos: as .NET's own client sends them, and put together by hand.</summary>
internal static class Hellos
{
    /// <summary>The bytes of a real client (libssl through SslStream).</summary>
    /// <param name="protocols">What it offers (ALPN), separated by spaces; null for no extension.</param>
    public static byte[] OfDotnet(string? protocols)
    {
        using var wire = new Tap();
        using var client = new SslStream(wire);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "api.shop",
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = protocols?.Split(' ').Select(name => new SslApplicationProtocol(name)).ToList(),
        };
        Assert.ThrowsAny<Exception>(() => client.AuthenticateAsClient(options)); // nobody answers
        return wire.Written.ToArray();
    }

    /// <summary>A hello by the letter of RFC 8446, section 4.1.2.</summary>
    public static byte[] Made(string? protocol, int paddingBytes = 0, int fragmentBytes = 1 << 14)
    {
        var body = new List<byte> { 3, 3 };
        body.AddRange(Enumerable.Range(0, 32).Select(i => (byte)i));
        body.AddRange(Vector(1, new byte[32]));
        body.AddRange(Vector(2, [0x13, 0x01, 0x13, 0x02]));
        body.AddRange(Vector(1, [0]));
        var extensions = new List<byte>();
        extensions.AddRange([0, 43, .. Vector(2, Vector(1, [3, 4]))]);
        if (protocol is not null) extensions.AddRange([0, 16, .. Vector(2, Vector(2, Vector(1, System.Text.Encoding.ASCII.GetBytes(protocol))))]);
        if (paddingBytes > 0) extensions.AddRange([0, 21, .. Vector(2, new byte[paddingBytes])]);
        body.AddRange(Vector(2, [.. extensions]));
        byte[] message = [1, .. Vector(3, [.. body])];
        return [.. message.Chunk(fragmentBytes).SelectMany(fragment => (byte[])[22, 3, 1, .. Vector(2, fragment)])];
    }

    private static byte[] Vector(int lengthBytes, byte[] content)
    {
        byte[] length = new byte[lengthBytes];
        for (int i = 0; i < lengthBytes; i++) length[i] = (byte)(content.Length >> (8 * (lengthBytes - 1 - i)));
        return [.. length, .. content];
    }

    private sealed class Tap : MemoryStream
    {
        public MemoryStream Written { get; } = new();

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override int Read(Span<byte> buffer) => 0;

        public override void Write(byte[] buffer, int offset, int count) => Written.Write(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => Written.Write(buffer);
    }
}
