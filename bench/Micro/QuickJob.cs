using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Ambient.Bench.Micro;

/// <summary>
/// All benchmarks in two minutes, inside this process: allocation is exact, times are good for orders of magnitude. What is to be quoted is
/// measured without it.
/// </summary>
internal static class QuickJob
{
    public static IConfig Config { get; } = ManualConfig.Create(DefaultConfig.Instance).AddJob(Job.Default
        .WithToolchain(InProcessEmitToolchain.Instance)
        .WithWarmupCount(2)
        .WithIterationCount(5)
        .WithIterationTime(TimeInterval.FromMilliseconds(50))
        .WithEvaluateOverhead(false)
        .WithId("Quick"));
}
