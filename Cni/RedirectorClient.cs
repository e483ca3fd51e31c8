using Ambient.Native.Descriptors;
using Ambient.Native.Processes;
using Ambient.Native.Unix;
using Ambient.Protocol.Cni;

namespace Ambient.Cni;

/// <summary>Asks Redirector once.</summary>
internal static class RedirectorClient
{
    /// <summary>How long an answer may take. Capture takes some ten milliseconds; a machine in a storm of starts takes more.</summary>
    public static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    /// <param name="socketPath">Redirector's socket.</param>
    /// <param name="descriptors">Go beside the request.</param>
    /// <param name="atMost">For all of it.</param>
    /// <returns>Null when nobody answers: no Redirector, or one that ends before it has answered.</returns>
    /// <exception cref="CniException">Somebody else than root listens there, or it speaks another language.</exception>
    public static CniAnswer? Ask(string socketPath, CniRequest request, ReadOnlySpan<int> descriptors, TimeSpan atMost)
    {
        SeqPacketSocket socket;
        try
        {
            socket = SeqPacketSocket.Connect(socketPath, atMost);
        }
        catch (SystemCallException)
        {
            return null;
        }
        using (socket)
        {
            if (socket.PeerCredentials.UserId != Credentials.UserId)
                throw new CniException(CniException.NotCaptured, $"{socketPath} is served by user {socket.PeerCredentials.UserId}, and this is user {Credentials.UserId}");
            if (!socket.TrySend(request.ToBytes(), descriptors, out _))
                return null;
            var buffer = new byte[CniAnswer.MaxBytes];
            var received = new List<Descriptor>();
            var result = socket.Receive(buffer, received);
            received.ForEach(d => d.Dispose());
            if (!result.IsPacket)
                return null;
            return CniAnswer.Read(buffer.AsSpan(0, result.Bytes))
                ?? throw new CniException(CniException.NotCaptured, "ambient-redirector's answer cannot be read: are plugin and redirector of one release?");
        }
    }
}
