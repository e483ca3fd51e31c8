using System.CommandLine;
using System.Globalization;
using Ambient.Bench.Controller;
using Ambient.Bench.Rig.Accounting;

// ./ambient.sh bench controller: what a large cluster costs the controller.
// Exit status: 0 every figure reaches what is asked, 1 some do not, 2 wrong usage or it could not be measured. With --quick: 0 if it ran.
const int Missed = 1;
const int Failed = 2;

var nodes = new Option<string>("--nodes") { Description = "How many simulated nodes, one measurement each, separated by commas", DefaultValueFactory = _ => "100,1000,10000" };
var quick = new Option<bool>("--quick") { Description = "A hundredth of the cluster and 20 nodes: shows that it works, measures nothing" };
var tenth = new Option<bool>("--tenth") { Description = "A tenth of pods, services and addresses, so that 10,000 nodes have their full view in a minute" };
var rates = new Option<string>("--rates") { Description = $"Changes a second, one after the other, separated by commas; what is asked is asked at {ControllerBench.AskedRate}", DefaultValueFactory = _ => $"{ControllerBench.AskedRate}" };
var seconds = new Option<int>("--seconds") { Description = "How long changes come at each rate", DefaultValueFactory = _ => 10 };
var results = new Option<string>("--results") { Description = "Folder for JSON", DefaultValueFactory = _ => Path.Combine("bench", "results") };
var root = new RootCommand("Measures the controller with 10,000 nodes, 100,000 pods, 10,000 services and 1,000,000 endpoint addresses.") { nodes, rates, quick, tenth, seconds, results };
root.SetAction(parsed => RunAsync(parsed.GetValue(nodes)!, parsed.GetValue(rates)!, parsed.GetValue(quick), parsed.GetValue(tenth), parsed.GetValue(seconds), parsed.GetValue(results)!));

var state = new Argument<string>("state");
var size = new Argument<int[]>("size") { Arity = new ArgumentArity(3, 3) };
var serve = new Command("serve", "The process under test; started by the measurement.") { state, size };
serve.SetAction(parsed => parsed.GetValue(size) is [var n, var p, var s] ? ControllerProcess.RunAsync(parsed.GetValue(state)!, new ClusterSize(n, p, s)) : Task.FromResult(Failed));
root.Subcommands.Add(serve);
var command = root.Parse(args);
var status = await command.InvokeAsync();
return command.Errors.Count > 0 ? Failed : status;

static async Task<int> RunAsync(string nodes, string rates, bool quick, bool tenth, int seconds, string results)
{
    if (Numbers(quick ? "20" : nodes, 10_000) is not { } counts)
    {
        Console.Error.WriteLine($"bench controller: --nodes: expected numbers from 1 to 10000 separated by commas, found {nodes}");
        return Failed;
    }
    if (Numbers(rates, 1_000) is not { } paces)
    {
        Console.Error.WriteLine($"bench controller: --rates: expected numbers from 1 to 1000 separated by commas, found {rates}");
        return Failed;
    }
    var (began, size, figures) = (TimeProvider.System.GetUtcNow(), quick ? ClusterSize.Small : tenth ? ClusterSize.Tenth : ClusterSize.Full, new List<Figure>());
    try
    {
        foreach (var count in counts)
        {
            // A descriptor for each connection, on both sides.
            if (count + 500 > DescriptorLimit.Hard)
                throw new BenchException($"{count} nodes need as many descriptors a process, and {DescriptorLimit.Hard} is the limit here");
            Console.Error.WriteLine($"{count} nodes of a cluster of {size.Nodes} nodes, {size.Pods} pods, {size.Slices} services, {size.Addresses} endpoint addresses:");
            figures.AddRange(await ControllerBench.MeasureAsync(size, count, paces, quick ? 2 : seconds, Console.Error));
        }
    }
    catch (BenchException fault)
    {
        Console.Error.WriteLine($"bench controller: {fault.Message}");
        return Failed;
    }
    finally
    {
        foreach (var figure in figures)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"result controller.{figure.Name} {figure.Value:0.######}"));
    }
    if (quick)
        return 0;
    ResultFile.Write(results, size, figures, began);
    return figures.All(figure => figure.IsReached) ? 0 : Missed;
}

static List<int>? Numbers(string list, int most)
{
    var numbers = new List<int>();
    foreach (var text in list.Split(','))
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1 || number > most)
            return null;
        numbers.Add(number);
    }
    return numbers;
}
