namespace Ambient.Native.Netlink;

/// <summary>States of a TCP socket, as a set. Source: tcp_states.h.</summary>
[Flags]
public enum TcpStates : uint
{
    None = 0,
    Established = 1 << 1,
    Opening = (1 << 2) | (1 << 3),                             // SYN_SENT, SYN_RECV
    Closing = (1 << 4) | (1 << 5) | (1 << 8),                  // FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT
    Listening = 1 << 10,
}
