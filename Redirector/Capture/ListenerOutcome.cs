using Ambient.Native.Descriptors;
using Ambient.Redirector.Listeners;

namespace Ambient.Redirector.Capture;

/// <summary>Three listeners, or why there are none.</summary>
internal readonly record struct ListenerOutcome(ListenerSet? Made, Errno Error);
