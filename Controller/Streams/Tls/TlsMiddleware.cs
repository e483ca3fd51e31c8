using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Ambient.Controller.Authority;
using Ambient.Native.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Ambient.Controller.Streams.Tls;

/// <summary>
/// TLS 1.3 for Kestrel by the same library and the same rules as between nodes, in place of Kestrel's own middleware: see
/// docs/decisions/0021-control-tls.md. Clients prove who they are by a token, so no certificate is asked of them.
/// </summary>
/// <param name="context">What a connection that begins now is answered with.</param>
/// <param name="refusals">Told of a client without a connection, and why.</param>
internal sealed class TlsMiddleware(Func<TlsContext> context, ConnectionRefusals refusals)
{
    /// <summary>What nodes must want to speak (RFC 9113, section 3.2).</summary>
    internal const string Http2 = "h2";

    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Kestrel's connection middleware: shakes hands and goes on with what is inside, or lets the connection end.</summary>
    internal ConnectionDelegate Of(ConnectionDelegate next) => async connection =>
    {
        var transport = connection.Transport;
        await using var stream = new TlsStream(context(), transport);
        if (await HandshakeAsync(stream) is { } reason)
        {
            if (reason.Length > 0)
                refusals.Add(connection, StreamRefusal.Handshake, reason);
            return;
        }
        connection.Features.Set<ITlsConnectionFeature>(Facts.Instance);
        connection.Features.Set<ITlsApplicationProtocolFeature>(Facts.Instance);
        connection.Transport = new Inside(stream, connection.Features.Get<IMemoryPoolFeature>()!);
        try
        {
            await next(connection);
            // Clients check a certificate when the handshake is done here already, and some leave without an alert (.NET's).
            if (!stream.HasSpoken)
                refusals.Add(connection, StreamRefusal.Handshake, "it left right behind the handshake: it may not trust this controller's certificate");
            // Who does not read any more is not waited for.
            using var patience = new CancellationTokenSource(GoodbyeTimeout);
            await using var cut = patience.Token.Register(connection.Abort);
            await connection.Transport.Output.CompleteAsync();
            await stream.CloseAsync(CancellationToken.None);
        }
        finally
        {
            await connection.Transport.Input.CompleteAsync();
            connection.Transport = transport;           // whose end is Kestrel's
        }
    };

    private static async Task<string?> HandshakeAsync(TlsStream stream)
    {
        using var timeout = new CancellationTokenSource(HandshakeTimeout);
        try
        {
            return await stream.HandshakeAsync(timeout.Token) is { } reason ? reason
                : stream.Protocol == Http2 ? null : $"it does not offer {Http2}";
        }
        catch (ConnectionAbortedException)
        {
            return "";      // by this server, which stops
        }
        catch (OperationCanceledException)
        {
            return $"no handshake within {HandshakeTimeout.TotalSeconds:0} s";
        }
    }

    private sealed class Inside(TlsStream stream, IMemoryPoolFeature memory) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(stream, new StreamPipeReaderOptions(memory.MemoryPool, BlockPool.BlockBytes, BlockPool.BlockBytes / 2, leaveOpen: true, useZeroByteReads: true));

        public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(memory.MemoryPool, BlockPool.BlockBytes, leaveOpen: true));
    }

    /// <summary>By which Kestrel knows that the connection is protected, and that HTTP/2 was agreed on.</summary>
    private sealed class Facts : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        internal static Facts Instance { get; } = new();

        public X509Certificate2? ClientCertificate
        {
            get => null;
            set => throw new NotSupportedException("No certificate is asked of a client.");
        }

        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = Encoding.ASCII.GetBytes(Http2);

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
