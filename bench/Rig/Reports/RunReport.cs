namespace Ambient.Bench.Rig.Reports;

/// <summary>What a run has come to.</summary>
/// <param name="Books">What was measured, also of scenarios that failed later.</param>
/// <param name="Failures">One a scenario that did not get through, with its reason.</param>
internal sealed record RunReport(IReadOnlyList<RoundBook> Books, IReadOnlyList<ScenarioFailure> Failures);

/// <summary>Something that did not get through.</summary>
/// <param name="What">The name of the scenario, mostly.</param>
/// <param name="Reason">For people; the first line says it.</param>
internal sealed record ScenarioFailure(string What, string Reason);
