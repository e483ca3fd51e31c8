using Ambient.Bench.Micro.Http2;
using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/Micro -- --filter '*Hpack*' --job short
BenchmarkSwitcher.FromAssembly(typeof(FrameBenchmarks).Assembly).Run(args);
