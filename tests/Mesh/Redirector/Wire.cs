using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>Connections between what plays client, app and proxy.</summary>
internal static class Wire
{
    /// <summary>Takes a connection from a listener that Redirector made; null when none comes within the time.</summary>
    public static Socket? Accept(Descriptor listener, int milliseconds = 1000)
    {
        var clock = Stopwatch.StartNew();
        do
        {
            int number = SocketCalls.Accept(listener.Number, out _);
            if (number >= 0)
                return new Socket(new SafeSocketHandle(number, ownsHandle: true)) { Blocking = true };
            Pause(1);
        }
        while (clock.ElapsedMilliseconds < milliseconds);
        return null;
    }

    /// <summary>Random bytes each way; false when either end is broken or silent for a second.</summary>
    public static bool Exchange(Socket left, Socket right) => Send(left, right) && Send(right, left);

    public static void Pause(int milliseconds)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(milliseconds);
    }

    /// <summary>Waits for something to become true.</summary>
    public static void Until(Func<bool> condition, string what, int milliseconds = 10_000)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.ElapsedMilliseconds < milliseconds, $"waited {milliseconds} ms for {what}");
            Pause(2);
        }
    }

    private static bool Send(Socket from, Socket to)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(64), received = new byte[64];
        from.SendTimeout = to.ReceiveTimeout = 1000;
        try
        {
            from.Send(sent);
            for (int done = 0; done < received.Length;)
            {
                int some = to.Receive(received, done, received.Length - done, SocketFlags.None);
                if (some == 0)
                    return false;
                done += some;
            }
            return received.AsSpan().SequenceEqual(sent);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
