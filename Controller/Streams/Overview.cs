using System.Collections.Immutable;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;

namespace Ambient.Controller.Streams;

/// <summary>The controller's state at one moment, for people.</summary>
internal sealed record Overview(string Epoch, ulong Version, MeshModel? Model, ImmutableDictionary<string, PodEnrolment> Pods,
    ImmutableArray<SessionStatus> Sessions, ImmutableArray<NodeRecord> Nodes);
