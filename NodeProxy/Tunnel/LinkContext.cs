using Ambient.NodeProxy.Telemetry;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>What every link of a loop shares.</summary>
/// <param name="Options">Limits.</param>
/// <param name="Metrics">Counters of this loop.</param>
/// <param name="Time">The wall clock, for certificates.</param>
/// <param name="Logger">Where reasons go.</param>
internal sealed record LinkContext(LinkOptions Options, LoopMetrics Metrics, TimeProvider Time, ILogger Logger)
{
    /// <summary>Links of this loop that were opened ahead.</summary>
    public WarmLinks Warm { get; } = new(Options.MaxWarmLinks);
}
