using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>Where captured connections go, by loop index.</summary>
/// <param name="Loops">The data loops.</param>
/// <param name="Pods">Each loop's pods; touched on that loop only.</param>
/// <param name="Handlers">Each loop's data path.</param>
internal sealed record CaptureTargets(LoopGroup Loops, IReadOnlyList<LoopPods> Pods, IReadOnlyList<ICaptureHandler> Handlers);
