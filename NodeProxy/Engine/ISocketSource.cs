namespace Ambient.NodeProxy.Engine;

/// <summary>Gives out unconnected sockets of one pod's network namespace. Made elsewhere: this process may not make them.</summary>
internal interface ISocketSource
{
    /// <summary>Asks for one socket, in order of asking.</summary>
    /// <param name="taker">Called on the loop, maybe within this call, with a descriptor that is then the taker's.</param>
    void Take(ISocketTaker taker);

    /// <summary>The taker no longer wants one.</summary>
    void Cancel(ISocketTaker taker);
}

/// <summary>Waits for a socket.</summary>
internal interface ISocketTaker
{
    /// <summary>Here it is; the taker answers for closing it.</summary>
    void OnSocket(int fd);

    /// <summary>There is none within the time that an app may be kept waiting.</summary>
    void OnNoSocket(string reason);
}
