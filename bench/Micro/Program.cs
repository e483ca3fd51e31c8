using Ambient.Bench.Micro;
using Ambient.Bench.Micro.Http2;
using BenchmarkDotNet.Running;

// ./ambient.sh bench micro [--quick] [arguments of BenchmarkDotNet, for example --filter '*Hpack*' or --list flat]
bool isQuick = args.Contains("--quick");
string[] rest = [.. args.Where(argument => argument != "--quick")];
if (isQuick && !rest.Contains("--filter")) rest = [.. rest, "--filter", "*"];
// In this process: BenchmarkDotNet would otherwise build a project of its own, for which it looks for one named as the assembly is.
if (!isQuick) rest = [.. rest, "--inProcess"];
BenchmarkSwitcher.FromAssembly(typeof(FrameBenchmarks).Assembly).Run(rest, isQuick ? QuickJob.Config : null);
