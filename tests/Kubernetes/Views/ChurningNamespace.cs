using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Views;

/// <summary>
/// An enrolled namespace whose pods come, go, get ready and unready and change their address at a given rate. The test stands in for scheduler
/// and kubelet, which bind a pod and tell of its address later, and for the maker of EndpointSlices. Several lanes write beside each other,
/// each with pods, addresses and a service of its own.
/// </summary>
internal sealed class ChurningNamespace(ApiServer server, IReadOnlyList<string> nodes, int seed)
{
    private const int Lanes = 4, LeastPods = 20, MostPods = 60;

    /// <summary>What was done, by kind.</summary>
    internal Dictionary<string, int> Changes { get; } = [];

    /// <summary>The namespace.</summary>
    internal string Name { get; private set; } = "";

    /// <summary>Where the slices of the namespace are.</summary>
    internal string SlicesPath => $"/apis/discovery.k8s.io/{(server.HasSlicesV1 ? "v1" : "v1beta1")}/namespaces/{Name}/endpointslices";

    private IReadOnlyList<string> Nodes => nodes;

    private int Seed => seed;

    /// <summary>Makes the namespace with its services; it has no pods yet.</summary>
    internal async Task CreateAsync()
    {
        Name = await server.CreateNamespaceAsync("churn", ("ambient.mesh/enroll", "true"));
        for (var account = 0; account < 3; account++)
            await server.ApplyAsync($"{{ apiVersion: v1, kind: ServiceAccount, metadata: {{ name: account-{account}, namespace: {Name} }} }}");
    }

    /// <summary>Churns for a time.</summary>
    /// <returns>Changes a second.</returns>
    internal async Task<double> RunAsync(int changesPerSecond, TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(number => new Lane(this, number).RunAsync(watch, (double)changesPerSecond / Lanes, time)));
        return Changes.Values.Sum() / watch.Elapsed.TotalSeconds;
    }

    private void Count(string what)
    {
        lock (Changes)
            Changes[what] = Changes.GetValueOrDefault(what) + 1;
    }

    private async Task SendAsync(HttpMethod method, string path, JsonObject? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
        using var answer = await server.Http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {await answer.Content.ReadAsStringAsync()}");
    }

    private sealed class Lane
    {
        private readonly ChurningNamespace _owner;
        private readonly int _number;
        private readonly Random _random;
        private readonly List<Pod> _pods = [];
        private readonly Queue<IPAddress> _free;
        private int _names;
        private int _port = 80;

        internal Lane(ChurningNamespace owner, int number)
        {
            (_owner, _number, _random) = (owner, number, new Random(owner.Seed + number));
            // Fewer addresses than names: one that was given back is soon another pod's.
            _free = new(Enumerable.Range(1, MostPods + 20).Select(i => new IPAddress([10, 81, (byte)number, (byte)i])));
        }

        private string Pods => $"/api/v1/namespaces/{_owner.Name}/pods";

        private string Services => $"/api/v1/namespaces/{_owner.Name}/services";

        private string Service => $"service-{_number}";

        internal async Task RunAsync(Stopwatch watch, double changesPerSecond, TimeSpan time)
        {
            await _owner.SendAsync(HttpMethod.Post, Services, ServiceObject());
            await _owner.SendAsync(HttpMethod.Post, _owner.SlicesPath, SliceObject());
            for (var changes = 0; watch.Elapsed < time;)
            {
                await ChangeAsync();
                var ahead = TimeSpan.FromSeconds(++changes / changesPerSecond) - watch.Elapsed;
                if (ahead > TimeSpan.Zero)
                    await Task.Delay(ahead);
            }
        }

        private async Task ChangeAsync()
        {
            var what = _random.Next(100);
            if (_pods.Count < LeastPods || (what < 42 && _pods.Count < MostPods))
                await ComeAsync();
            else if (what < 84)
                await GoAsync();
            else if (what < 93)
                await TurnAsync(_pods[_random.Next(_pods.Count)]);
            else if (what < 98)
                await MoveAsync(_pods[_random.Next(_pods.Count)]);
            else
                await ReplaceServiceAsync();
        }

        // Bound to a node first, and only then with an address.
        private async Task ComeAsync()
        {
            var pod = new Pod($"pod-{_number}-{_names++}", _free.Dequeue(), IsReady: _random.Next(4) > 0);
            await _owner.SendAsync(HttpMethod.Post, Pods, new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = pod.Name, ["labels"] = new JsonObject { ["app"] = Service } },
                ["spec"] = new JsonObject
                {
                    ["nodeName"] = _owner.Nodes[_random.Next(_owner.Nodes.Count)],
                    ["serviceAccountName"] = $"account-{_random.Next(3)}",
                    ["containers"] = new JsonArray(new JsonObject { ["name"] = "app", ["image"] = "none" }),
                },
            });
            await TellAsync(pod);
            _pods.Add(pod);
            await TellSliceAsync();
            _owner.Count("came");
        }

        private async Task GoAsync()
        {
            var pod = _pods[_random.Next(_pods.Count)];
            _pods.Remove(pod);
            await TellSliceAsync();
            await _owner.SendAsync(HttpMethod.Delete, $"{Pods}/{pod.Name}?gracePeriodSeconds=0");
            _free.Enqueue(pod.Address);
            _owner.Count("went");
        }

        private Task TurnAsync(Pod pod) => ChangeAsync(pod, pod with { IsReady = !pod.IsReady }, "got ready or unready");

        // A sandbox that was made anew.
        private async Task MoveAsync(Pod pod)
        {
            await ChangeAsync(pod, pod with { Address = _free.Dequeue() }, "changed their address");
            _free.Enqueue(pod.Address);
        }

        private async Task ChangeAsync(Pod before, Pod after, string what)
        {
            await TellAsync(after);
            _pods[_pods.IndexOf(before)] = after;
            await TellSliceAsync();
            _owner.Count(what);
        }

        // Under the same name with another address and port; its slice stays.
        private async Task ReplaceServiceAsync()
        {
            _port++;
            await _owner.SendAsync(HttpMethod.Delete, $"{Services}/{Service}");
            await _owner.SendAsync(HttpMethod.Post, Services, ServiceObject());
            _owner.Count("services made anew");
        }

        private Task TellAsync(Pod pod) => _owner.SendAsync(HttpMethod.Patch, $"{Pods}/{pod.Name}/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["phase"] = "Running",
                ["podIP"] = $"{pod.Address}",
                ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = $"{pod.Address}" }),
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = pod.IsReady ? "True" : "False" }),
            },
        });

        private Task TellSliceAsync() => _owner.SendAsync(HttpMethod.Patch, $"{_owner.SlicesPath}/{Service}", new JsonObject { ["endpoints"] = Endpoints() });

        private JsonArray Endpoints() => new(_pods.Select(pod => new JsonObject
        {
            ["addresses"] = new JsonArray($"{pod.Address}"),
            ["conditions"] = new JsonObject { ["ready"] = pod.IsReady },
            ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["namespace"] = _owner.Name, ["name"] = pod.Name },
        }).ToArray<JsonNode>());

        private JsonObject SliceObject() => new()
        {
            ["metadata"] = new JsonObject { ["name"] = Service, ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = Service } },
            ["addressType"] = "IPv4",
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["port"] = 8080, ["protocol"] = "TCP" }),
            ["endpoints"] = new JsonArray(),
        };

        private JsonObject ServiceObject() => new()
        {
            ["metadata"] = new JsonObject { ["name"] = Service },
            ["spec"] = new JsonObject { ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["port"] = _port, ["targetPort"] = 8080, ["protocol"] = "TCP" }) },
        };
    }

    private sealed record Pod(string Name, IPAddress Address, bool IsReady);
}
