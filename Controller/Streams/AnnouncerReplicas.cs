using Ambient.Controller.Enrolment;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Streams;

/// <content>What other replicas know of nodes: taken as if it had come by streams of our own.</content>
internal sealed partial class Announcer
{
    /// <summary>Takes what another replica wrote of a node.</summary>
    /// <returns>False if the node's stream is here (still), and only the version of its orders was taken.</returns>
    internal bool TakeRecord(NodeRecord said)
    {
        lock (_lock)
        {
            var before = _roster.RecordOf(said.Name);
            var session = _roster.SessionOf(said.Name);
            if (session is null)
            {
                if (before.BootId.Length > 0 && said.BootId.Length > 0 && before.BootId != said.BootId)
                {
                    _logger.NodeRestarted(said.Name);
                    _ledger.NodeRestarted(said.Name);
                }
                if (!before.Capabilities.SequenceEqual(said.Capabilities) && _model is not null)
                    _ledger.NodeChanged(said.Name, _pods.On(said.Name));
                _roster.Remember(said with { BootId = said.BootId.Length > 0 ? said.BootId : before.BootId, OrderVersion = Math.Max(before.OrderVersion, said.OrderVersion) });
            }
            else if (said.OrderVersion > before.OrderVersion)
            {
                // The stream is ours, and the replica before had signed a newer order than we knew: ours may have been refused as an old one.
                _roster.Remember(before with { OrderVersion = said.OrderVersion });
                _pass.NodeCame(said.Name);
            }
            _schedule.Soon();
            return session is null;
        }
    }

    /// <summary>Takes a report that another replica wrote down.</summary>
    /// <returns>False if the pod is not known (yet), or the node's stream is here (still): it may count later.</returns>
    internal bool TakeReport(string node, PodReport report)
    {
        lock (_lock)
        {
            // Whoever has a stream here tells it here, and newer. But that stream may be one that nobody has noticed the end of.
            if (_roster.IsHere(node))
                return false;
            if (!_ledger.Report(node, report, _time.GetUtcNow()))
                return report.Phase is PodPhase.Released or PodPhase.Gone;
            _exclusions.Report(report.Uid, report.ExcludedInboundPorts);
            _schedule.Soon();
            return true;
        }
    }

    /// <summary>What is remembered of a node.</summary>
    internal NodeRecord RecordOf(string node)
    {
        lock (_lock)
            return _roster.RecordOf(node);
    }
}
