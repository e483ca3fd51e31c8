using System.Net;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Telemetry;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Sessions;

/// <summary>Counts every refusal, and says its reason in the log as long as that is no flood of its own.</summary>
internal sealed class Refusals(EventLoop loop, LoopMetrics metrics, ILogger logger)
{
    // A peer that is refused a million times must not fill a disk; the counter has all of them. Counted by reason, so that a flood
    // of one does not hide the others.
    private const int LinesPerSecond = 20;

    private readonly int[] _lines = new int[Labels.Reasons.Length];
    private long _second;
    private long _silenced;

    /// <param name="side">Whose side we are on.</param>
    /// <param name="reason">The kind.</param>
    /// <param name="pod">Whose pod.</param>
    /// <param name="client">Who asked; null when it left already.</param>
    /// <param name="target">For what; null when that was not said.</param>
    /// <param name="detail">For a person; names the rule that decided.</param>
    public void Add(Reporter side, RefusalReason reason, string pod, IPEndPoint? client, IPEndPoint? target, string detail)
    {
        metrics.Refused(reason, side);
        long second = loop.NowTicks / TimeSpan.TicksPerSecond;
        if (second != _second)
        {
            if (_silenced > 0) NodeLog.RefusalsSilenced(logger, _silenced);
            _second = second;
            Array.Clear(_lines);
            _silenced = 0;
        }

        if (_lines[(int)reason]++ < LinesPerSecond) NodeLog.Refused(logger, side, reason, pod, client, target, detail);
        else _silenced++;
    }
}
