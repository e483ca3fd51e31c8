namespace Ambient.NodeProxy.Capture;

/// <summary>Carries a stock's request to Redirector. Any thread.</summary>
internal interface ISocketRequester
{
    /// <param name="uid">The pod.</param>
    /// <param name="count">How many, 1 to 64.</param>
    /// <param name="stock">Where the answer goes, on its loop.</param>
    void Request(string uid, int count, SocketStock stock);
}
