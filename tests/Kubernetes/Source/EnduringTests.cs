using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>The source goes on through what happens to servers and networks, and ends up with what the API says.</summary>
public sealed class EnduringTests(ApiServer server)
{
    private const int ChangesASecond = 50;

    // The minute is the promise; a fake shows in a tenth of it what it can show at all.
    private int Seconds => server.IsReal ? 60 : 6;

    [Fact]
    public async Task Pods_that_churn_at_fifty_a_second_end_as_the_api_says()
    {
        var ns = await server.CreateNamespaceAsync("churn");
        await using var source = await FollowedSource.StartAsync(server.KubeconfigPath);
        var (changes, rate) = await ChurnAsync(ns, seed: 7, _ => Task.CompletedTask);
        var took = await SameAsApiAsync(source, ns);
        TestContext.Current.TestOutputHelper?.WriteLine($"{changes} changes at {rate:0}/s, {source.Publications} publications, the same as the API {took.TotalMilliseconds:0} ms after the last");
    }

    [Fact]
    public async Task A_watch_that_is_cut_at_random_loses_nothing()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var ns = await server.CreateNamespaceAsync("cut");
        await using var line = server.OpenLine();
        await using var source = await FollowedSource.StartAsync(line.KubeconfigPath, seed: seed);
        var random = new Random(seed);
        var cuts = 0;
        var (changes, _) = await ChurnAsync(ns, seed, async _ =>
        {
            if (random.Next(25) != 0)
                return;
            cuts++;
            line.Break();
            if (random.Next(2) == 0)
                line.Cut();
            await Task.Delay(random.Next(100));
            line.Restore();
        });
        var took = await SameAsApiAsync(source, ns);
        TestContext.Current.TestOutputHelper?.WriteLine($"{changes} changes, {cuts} cuts, the same as the API {took.TotalMilliseconds:0} ms after the last");
    }

    // A balancer that resets connections now and then, say: each time is the first of a row, and not one more of a row that never ends.
    [Fact]
    public async Task A_watch_that_is_broken_off_after_it_told_something_is_taken_up_again_as_soon_as_after_the_first_time()
    {
        var ns = await server.CreateNamespaceAsync("broken");
        await using var line = server.OpenLine();
        await using var source = await FollowedSource.StartAsync(line.KubeconfigPath, FollowedSource.Quick with { LongestRetry = TimeSpan.FromSeconds(30) });
        var waits = new List<double>();
        for (var time = 0; time < 8; time++)
        {
            line.Break();
            var name = $"web-{time}";
            await server.ApplyAsync(Objects.Pod(ns, name, $"10.5.0.{time + 1}"));
            waits.Add((await source.UntilAsync(s => s.Pods(ns).ContainsKey($"{ns}/{name}"), name)).TotalMilliseconds);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"followed again after {string.Join(", ", waits.Select(ms => $"{ms:0}"))} ms (bound 200, checked at 2000)");
        Assert.True(waits.Max() < 2000);
    }

    [Fact]
    public async Task A_server_that_is_away_takes_nothing_with_it_and_is_followed_again_when_it_is_back()
    {
        var ns = await server.CreateNamespaceAsync("away");
        for (var i = 0; i < 10; i++)
            await server.ApplyAsync(Objects.Pod(ns, $"web-{i}", $"10.3.0.{i + 1}"));
        await using var line = server.OpenLine();
        await using var source = await FollowedSource.StartAsync(line.KubeconfigPath);
        var before = source.Pods(ns);
        var gone = 0;
        source.Published = change => gone += change.Removed.OfType<PodObject>().Count(p => p.Namespace == ns);

        line.Cut();
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.Equal(0, gone);
        Assert.Equal(before, source.Pods(ns));
        Assert.Contains(source.Log, entry => entry.Contains("cannot be read"));

        await server.DeleteAsync("v1", "Pod", ns, "web-0");
        line.Restore();
        var took = await source.UntilAsync(s => s.Pods(ns).Count == 9, "the deleted pod's end");
        Assert.Equal(1, gone);
        Assert.Contains(source.Log, entry => entry.Contains("answers again"));
        TestContext.Current.TestOutputHelper?.WriteLine($"followed again after {took.TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task A_forgotten_revision_is_listed_anew_and_what_went_meanwhile_is_gone()
    {
        // Network policies: the one kind of which a real server that the tests started forgets on demand (RealApiServer).
        await using var own = server.IsReal ? null : await ApiServer.StartFakeAsync();
        var api = own ?? server;
        var ns = await api.CreateNamespaceAsync("gone");
        await api.ApplyAsync(Objects.NetworkPolicy(ns, "a", "app: a") + Objects.NetworkPolicy(ns, "b", "app: b"));
        await using var line = api.OpenLine();
        await using var source = await FollowedSource.StartAsync(line.KubeconfigPath);
        var kept = source.All<NetworkPolicyObject>().Single(p => p.Namespace == ns && p.Name == "b");

        line.Cut();
        await api.DeleteAsync("networking.k8s.io/v1", "NetworkPolicy", ns, "a");
        await api.ApplyAsync(Objects.NetworkPolicy(ns, "c", "app: c"));
        await api.CompactAsync();
        line.Restore();

        await source.UntilAsync(s => Names(s).SequenceEqual(["b", "c"]), "b and c");
        Assert.Contains(source.Log, entry => entry.Contains("has forgotten revision"));
        Assert.Same(kept, source.All<NetworkPolicyObject>().Single(p => p.Namespace == ns && p.Name == "b"));

        IEnumerable<string> Names(FollowedSource s) => s.All<NetworkPolicyObject>().Where(p => p.Namespace == ns).Select(p => p.Name).Order();
    }

    [Fact]
    public async Task An_expired_watch_is_listed_anew()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("expired");
        await own.ApplyAsync(Objects.Pod(ns, "web", "10.4.0.1"));
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        Assert.True(await Eventually.TrueAsync(() => own.Fake!.Faults.OpenWatches >= 7), "the watches never began");

        own.Fake!.Faults.ExpireWatches();
        Assert.True(await Eventually.TrueAsync(() => source.Log.Count(entry => entry.Contains("has forgotten revision")) >= 7), string.Join('\n', source.Log));
        await own.ApplyAsync(Objects.Pod(ns, "other", "10.4.0.2"));
        await source.UntilAsync(s => s.Pods(ns).Count == 2, "both pods");
    }

    [Fact]
    public async Task A_list_of_many_pages_is_told_at_once_and_whole()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await PoliciesAsync(own);
        var pages = 0;
        own.Fake!.Faults.Intercept = (verb, plural, _) =>
        {
            if (verb == "list" && plural == "networkpolicies")
                pages++;
            return null;
        };
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        Assert.Equal(1, source.Publications);
        Assert.Equal(1203, source.All<NetworkPolicyObject>().Count(p => p.Namespace == ns));
        Assert.Equal(3, pages);
    }

    [Fact]
    public async Task A_list_whose_revision_is_forgotten_between_two_pages_is_begun_anew()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await PoliciesAsync(own);
        var pages = 0;
        own.Fake!.Faults.Intercept = (verb, plural, _) => verb == "list" && plural == "networkpolicies" && ++pages == 2 ? (410, "Expired") : null;
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        Assert.Equal(1, source.Publications);
        Assert.Equal(1203, source.All<NetworkPolicyObject>().Count(p => p.Namespace == ns));
        Assert.Equal(2 + 3, pages);
    }

    [Fact]
    public async Task Overload_and_errors_of_the_server_are_waited_out()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("overload");
        await own.ApplyAsync(Objects.Pod(ns, "web", "10.4.0.1"));
        var (refused, random) = (0, new Random(5));
        own.Fake!.Faults.Intercept = (verb, plural, _) =>
        {
            if (verb is not ("list" or "watch") || random.Next(3) == 0)
                return null;
            Interlocked.Increment(ref refused);
            return random.Next(2) == 0 ? (429, "TooManyRequests") : (500, "InternalError");
        };
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath);
        await own.ApplyAsync(Objects.Pod(ns, "other", "10.4.0.2"));
        await source.UntilAsync(s => s.Pods(ns).Count == 2, "both pods");
        Assert.True(refused > 5, $"only {refused} refused");
    }

    // Two pages, and a few more.
    private static async Task<string> PoliciesAsync(ApiServer api)
    {
        var ns = await api.CreateNamespaceAsync("pages");
        for (var i = 0; i < 1203; i++)
            await api.ApplyAsync(Objects.NetworkPolicy(ns, $"p-{i}", "app: a"));
        return ns;
    }

    private async Task<(int Changes, double Rate)> ChurnAsync(string ns, int seed, Func<int, Task> between)
    {
        var (random, watch, changes, alive, next) = (new Random(seed), Stopwatch.StartNew(), 0, new List<string>(), 0);
        while (watch.Elapsed < TimeSpan.FromSeconds(Seconds))
        {
            var what = random.Next(3);
            if (what == 0 && alive.Count > 20)
            {
                var name = alive[random.Next(alive.Count)];
                alive.Remove(name);
                await server.DeleteAsync("v1", "Pod", ns, name);
            }
            else
            {
                var name = what == 1 && alive.Count > 0 ? alive[random.Next(alive.Count)] : $"web-{next++}";
                if (!alive.Contains(name))
                    alive.Add(name);
                await server.ApplyAsync(Objects.Pod(ns, name, $"10.{random.Next(1, 250)}.{random.Next(250)}.{random.Next(1, 250)}", $"app: a{random.Next(5)}"));
            }
            changes++;
            await between(changes);
            var ahead = TimeSpan.FromSeconds((double)changes / ChangesASecond) - watch.Elapsed;
            if (ahead > TimeSpan.Zero)
                await Task.Delay(ahead);
        }
        return (changes, changes / watch.Elapsed.TotalSeconds);
    }

    // Compared pod by pod with a list of the API's own, read by another way.
    private async Task<TimeSpan> SameAsApiAsync(FollowedSource source, string ns)
    {
        var list = await server.Http.GetFromJsonAsync<JsonObject>($"/api/v1/namespaces/{ns}/pods");
        var expected = list!["items"]!.AsArray().ToImmutableSortedDictionary(p => $"{ns}/{p!["metadata"]!["name"]}",
            p => $"{p!["metadata"]!["uid"]} {p["spec"]!["nodeName"]} {p["status"]?["podIP"]} {string.Join(',', p["metadata"]!["labels"]!.AsObject().OrderBy(l => l.Key).Select(l => $"{l.Key}={l.Value}"))}");
        Assert.NotEmpty(expected);
        return await source.UntilAsync(s => s.Pods(ns).SequenceEqual(expected), "the same pods as the API's");
    }
}
