using Ambient.Controller.Model;

namespace Ambient.Controller.Snapshots;

/// <summary>What one version changed: of a past view only names and sums are kept.</summary>
/// <param name="Changed">The keys, and their namespaces.</param>
/// <param name="Differences">By how much the fingerprint of each of these namespaces changed.</param>
internal sealed record ViewStep(IReadOnlyList<(ToldKey Key, string Namespace)> Changed, IReadOnlyList<(string Namespace, ViewFingerprint Difference)> Differences);
