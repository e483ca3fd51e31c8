using Ambient.Native.Namespaces;
using Ambient.Redirector.Handover;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Nodes;
using Microsoft.Extensions.Logging;

namespace Ambient.Redirector.Capture;

/// <summary>What every pod's capture works with.</summary>
/// <param name="Entry">The loop thread's own, for what takes microseconds.</param>
/// <param name="Inheritance">What an earlier Redirector handed over.</param>
internal sealed record CaptureTools(
    EventLoop Loop, NamespaceWorkers Workers, NamespaceEntry Entry, CaptureJobs Jobs, CaptureLedger Ledger, Inheritance Inheritance, NodeSet Nodes,
    Counters Counters, string BootId, ILogger Log);
