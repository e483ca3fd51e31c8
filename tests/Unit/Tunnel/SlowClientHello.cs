using System.Text;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>The obvious reader of a ClientHello: byte by byte into lists, and a fault or the end of the bytes is an exception.</summary>
internal static class SlowClientHello
{
    public static ClientHelloVerdict Read(byte[] bytes, string protocol)
    {
        bool isCut = bytes.Length >= ClientHelloReader.MaxBytes;
        var wire = new Reader([.. bytes.Take(ClientHelloReader.MaxBytes)]);
        try
        {
            var message = new List<byte>();
            while (message.Count < 4 || message.Count < Wanted(message))
            {
                wire.Expect(22);
                wire.Expect(3);
                wire.Byte();
                int length = wire.Number(2);
                if (length is 0 or > 16_384) throw new FormatException();
                for (int i = 0; i < length; i++)
                {
                    message.Add(wire.Byte());
                    if (message[0] != 1) throw new FormatException();
                    if (message.Count >= 4 && (Wanted(message) > ClientHelloReader.MaxBytes - 5 || message.Count > Wanted(message))) throw new FormatException();
                    // Whoever announces more in this record than the message has room for will never end it rightly.
                    if (message.Count >= 4 && message.Count == Wanted(message) && i + 1 < length) throw new FormatException();
                }
            }

            return Protocols([.. message.Skip(4)]).Contains(protocol) ? ClientHelloVerdict.Offered : ClientHelloVerdict.NotOffered;
        }
        catch (EndOfStreamException)
        {
            return isCut ? ClientHelloVerdict.NotOffered : ClientHelloVerdict.Undecided;
        }
        catch (FormatException)
        {
            return ClientHelloVerdict.NotOffered;
        }
    }

    private static int Wanted(List<byte> message) => 4 + (message[1] << 16) + (message[2] << 8) + message[3];

    private static List<string> Protocols(byte[] body)
    {
        try
        {
            var hello = new Reader(body);
            hello.Bytes(34);
            if (hello.Vector(1).Length > 32) throw new FormatException();
            byte[] suites = hello.Vector(2);
            if (suites.Length == 0 || suites.Length % 2 == 1) throw new FormatException();
            if (hello.Vector(1).Length == 0) throw new FormatException();
            var extensions = new Reader(hello.Vector(2));
            if (!hello.IsAtEnd) throw new FormatException();
            List<string>? names = null;
            while (!extensions.IsAtEnd)
            {
                int kind = extensions.Number(2);
                var extension = new Reader(extensions.Vector(2));
                if (kind != 16) continue;
                if (names is not null) throw new FormatException();
                names = [];
                var list = new Reader(extension.Vector(2));
                if (!extension.IsAtEnd || list.IsAtEnd) throw new FormatException();
                while (!list.IsAtEnd)
                {
                    byte[] name = list.Vector(1);
                    if (name.Length == 0) throw new FormatException();
                    names.Add(Encoding.Latin1.GetString(name));
                }
            }

            return names ?? [];
        }
        catch (EndOfStreamException) // inside a whole message there is no more to come
        {
            throw new FormatException();
        }
    }

    private sealed class Reader(byte[] bytes)
    {
        private int _at;

        public bool IsAtEnd => _at == bytes.Length;

        public byte Byte() => _at < bytes.Length ? bytes[_at++] : throw new EndOfStreamException();

        public void Expect(byte value)
        {
            if (Byte() != value) throw new FormatException();
        }

        public int Number(int count) => Enumerable.Range(0, count).Aggregate(0, (number, _) => (number << 8) | Byte());

        public byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => Byte())];

        public byte[] Vector(int lengthBytes) => Bytes(Number(lengthBytes));
    }
}
