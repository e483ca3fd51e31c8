using System.Collections.Immutable;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;

namespace Ambient.Controller.Streams;

/// <summary>The controller's state at one moment, for people.</summary>
/// <param name="Version">The view version that tells all of this; it may be a moment from being published.</param>
internal sealed record Overview(string Epoch, ulong Version, MeshModel? Model, ImmutableDictionary<string, PodEnrolment> Pods,
    ImmutableArray<SessionStatus> Sessions, ImmutableArray<NodeRecord> Nodes);
