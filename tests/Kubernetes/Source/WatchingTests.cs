using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Cluster.Fake;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>
/// How watches follow one another without anything being listed again: by bookmarks, and over the server's time-outs. Against a fake
/// always, since a real server sends a bookmark about every minute.
/// </summary>
public sealed class WatchingTests
{
    [Fact]
    public async Task A_watch_goes_on_from_the_revision_of_a_bookmark()
    {
        await using var own = await ApiServer.StartFakeAsync();
        own.Fake!.Faults.BookmarkInterval = TimeSpan.FromMilliseconds(100);
        var ns = await own.CreateNamespaceAsync("bookmark");
        await own.ApplyAsync(Objects.NetworkPolicy(ns, "before", "app: a"));
        await using var line = own.OpenLine();
        await using var source = await FollowedSource.StartAsync(line.KubeconfigPath, FollowedSource.Quick with { WatchLength = TimeSpan.FromMinutes(1) });
        var asked = new Asked(own.Fake.Faults, "networkpolicies");

        // The server's revision moves on, and nothing is told of policies but that.
        for (var i = 0; i < 5; i++)
            await own.ApplyAsync(Objects.Pod(ns, $"web-{i}", $"10.8.0.{i + 1}"));
        await Task.Delay(TimeSpan.FromSeconds(1));
        await own.CompactAsync();
        line.Break();
        await own.ApplyAsync(Objects.NetworkPolicy(ns, "after", "app: a"));
        await source.UntilAsync(s => s.All<NetworkPolicyObject>().Any(p => p.Name == "after"), "the policy after the break");

        Assert.DoesNotContain(source.Log, entry => entry.Contains("has forgotten revision"));
        Assert.Equal((0, 1), (asked.Lists, asked.Watches));
    }

    [Fact]
    public async Task A_watch_that_the_server_ends_at_its_time_is_followed_by_another_and_nothing_fails()
    {
        await using var own = await ApiServer.StartFakeAsync();
        var ns = await own.CreateNamespaceAsync("time-out");
        var asked = new Asked(own.Fake!.Faults, "pods");
        await using var source = await FollowedSource.StartAsync(own.KubeconfigPath, FollowedSource.Quick with { WatchLength = TimeSpan.FromSeconds(1) });
        Assert.True(await Eventually.TrueAsync(() => asked.Watches >= 4), $"{asked.Watches} watches");
        await own.ApplyAsync(Objects.Pod(ns, "web", "10.8.1.1"));
        await source.UntilAsync(s => s.Pods(ns).Count == 1, "the pod");

        Assert.Equal(1, asked.Lists);
        Assert.DoesNotContain(source.Log, entry => entry.StartsWith("Warning", StringComparison.Ordinal) || entry.Contains("cannot be read"));
        // One after the other's second, and not again and again.
        Assert.InRange(asked.Watches, 4, 6);
    }

    private sealed class Asked
    {
        private int _lists, _watches;

        internal Asked(FakeFaults faults, string kind) => faults.Intercept = (verb, plural, _) =>
        {
            if (plural == kind && verb == "list")
                Interlocked.Increment(ref _lists);
            else if (plural == kind && verb == "watch")
                Interlocked.Increment(ref _watches);
            return null;
        };

        internal int Lists => Volatile.Read(ref _lists);

        internal int Watches => Volatile.Read(ref _watches);
    }
}
