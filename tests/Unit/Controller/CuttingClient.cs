using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Ambient.Tests.Unit.Controller;

/// <summary>
/// `openssl s_client` with somebody on its wire who knows its secrets, and says in its name what it would never say. It says nothing itself
/// after the handshake, so the first record is free (RFC 8446, sections 5.2 and 7.3).
/// </summary>
internal sealed class CuttingClient : IAsyncDisposable
{
    internal const string Program = "/usr/bin/openssl";
    private const byte ApplicationData = 23, Handshake = 22;

    private readonly Process _openssl;
    private readonly Stream _toServer;
    private readonly string _keys;

    private CuttingClient(Process openssl, Stream toServer, string keys) => (_openssl, _toServer, _keys) = (openssl, toServer, keys);

    /// <param name="toServer">The wire to the server.</param>
    /// <param name="serve">The server's handshake; null is a success.</param>
    internal static async Task<CuttingClient> ConnectAsync(Stream toServer, Func<Task<string?>> serve, CancellationToken stop)
    {
        var keys = Path.GetTempFileName();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var openssl = Process.Start(new ProcessStartInfo(Program,
            ["s_client", "-connect", $"{listener.LocalEndpoint}", "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-keylogfile", keys, "-quiet"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var client = new CuttingClient(openssl, toServer, keys);
        try
        {
            var fromClient = (await listener.AcceptTcpClientAsync(stop)).GetStream();
            _ = fromClient.CopyToAsync(toServer, stop);
            _ = toServer.CopyToAsync(fromClient, stop);
            Assert.Null(await serve());
            await Eventually.Async(() => client.Secret() is not null, () => File.ReadAllText(keys));
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Says a piece of a handshake message under the client's keys, as its first record.</summary>
    internal async Task SayHandshakeAsync(byte[] piece)
    {
        var secret = Secret()!;
        using var cipher = new AesGcm(Expand(secret, "key", 16), 16);
        byte[] inner = [.. piece, Handshake];
        byte[] head = [ApplicationData, 3, 3, 0, (byte)(inner.Length + 16)];
        byte[] sealedBytes = new byte[inner.Length], tag = new byte[16];
        cipher.Encrypt(Expand(secret, "iv", 12), inner, sealedBytes, tag, head);
        await _toServer.WriteAsync((byte[])[.. head, .. sealedBytes, .. tag]);
    }

    public async ValueTask DisposeAsync()
    {
        _openssl.Kill();
        await _openssl.WaitForExitAsync();
        _openssl.Dispose();
        File.Delete(_keys);
    }

    private byte[]? Secret() => File.ReadAllLines(_keys).Select(line => line.Split(' '))
        .Where(words => words is ["CLIENT_TRAFFIC_SECRET_0", _, { Length: 64 }]).Select(words => Convert.FromHexString(words[2])).FirstOrDefault();

    private static byte[] Expand(byte[] secret, string label, int length)
    {
        byte[] name = Encoding.ASCII.GetBytes("tls13 " + label);
        byte[] info = [0, 0, (byte)name.Length, .. name, 0];
        BinaryPrimitives.WriteUInt16BigEndian(info, (ushort)length);
        return HKDF.Expand(HashAlgorithmName.SHA256, secret, length, info);
    }
}
