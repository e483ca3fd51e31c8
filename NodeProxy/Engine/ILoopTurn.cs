namespace Ambient.NodeProxy.Engine;

/// <summary>Work that a loop does once per batch of events, after all events of the batch were noted.</summary>
internal interface ILoopTurn
{
    /// <summary>Owned by the loop: whether the object already stands in a queue.</summary>
    bool IsQueued { get; set; }

    /// <summary>One turn. What is left over asks for another one, so that nobody holds the loop.</summary>
    void RunTurn();

    /// <summary>The turn threw: a bug. The object ends what it owns, abortively.</summary>
    void Fail();
}
