using System.Net;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Netlink;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Listeners;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>
/// The work inside a pod's namespace, run by workers. No job touches a pod's state: it is given what it needs and returns what it found.
/// What a namespace, a kernel or nft may refuse comes back as a reason; anything else is a bug and ends the process.
/// </summary>
internal sealed class CaptureJobs(NamespaceFinder finder, NetSysctls sysctls, NftTool nft, RulesBaseline baseline, TimeProvider time)
{
    /// <summary>The settings of the namespace that the calling thread is in.</summary>
    public NetSysctls Sysctls => sysctls;

    /// <summary>What it finds namespaces with.</summary>
    public NamespaceFinder Finder => finder;

    /// <summary>Finds the namespace, checks that it is the pod's, opens the watches.</summary>
    /// <param name="addresses">It must hold one of them.</param>
    public JobOutcome<PodNamespace> Open(NamespaceEntry entry, CapturedPod pod, HashSet<IPAddress> addresses) =>
        finder.TryFind(pod, out var found, out string reason) ? Open(entry, addresses, found!) : new(null, reason);

    /// <summary>The same with a namespace that the runtime handed over.</summary>
    /// <param name="addresses">It must hold one of them.</param>
    public JobOutcome<PodNamespace> OpenGiven(NamespaceEntry entry, HashSet<IPAddress> addresses, FoundNamespace given) =>
        finder.MayCapture(given, out string reason) ? Open(entry, addresses, given) : new(null, reason);

    private JobOutcome<PodNamespace> Open(NamespaceEntry entry, HashSet<IPAddress> addresses, FoundNamespace found)
    {
        PodNamespace? opened = null;
        bool isKept = false;
        try
        {
            opened = entry.Run(found.Namespace, () => new PodNamespace(found, sysctls));
            isKept = opened.HoldsAnyOf(addresses);
            return isKept ? new(opened, "") : new(null, "the network namespace holds none of the pod's addresses");
        }
        catch (IOException e)
        {
            return new(null, e.Message);
        }
        finally
        {
            if (!isKept)
            {
                opened?.Dispose();
                found.Dispose();
            }
        }
    }

    /// <summary>Makes the listeners.</summary>
    public static ListenerOutcome MakeListeners(NamespaceEntry entry, PodNamespace pod)
    {
        try
        {
            Errno error = Errno.None;
            var made = entry.Run(pod.Namespace, () => ListenerMaker.TryMake(pod.IsIpv4Only, out error));
            return new ListenerOutcome(made, error);
        }
        catch (SystemCallException e)
        {
            return new ListenerOutcome(null, e.Error);
        }
    }

    /// <summary>Brings a ruleset into force: settings, routes, rules, in this order; then proves it.</summary>
    public JobOutcome<RulesInForce> Load(NamespaceEntry entry, PodNamespace pod, Ruleset ruleset) => Try(() =>
    {
        string expected = baseline.ListingOf(ruleset, entry);
        return entry.Run(pod.Namespace, () =>
        {
            int connections = ConnectionCensus.Count();
            if (sysctls.Read().Loose is null)
                // Conntrack comes with the first rule that asks for it, and its setting with conntrack: the quiet table brings both
                // before a connection can be redirected.
                nft.Load(Ruleset.Quiet.Text);
            bool hasSetting = sysctls.Read().Loose is not null;
            sysctls.Write(PodSettings.Captured);
            pod.Routes.Ensure(replaceRoutes: true);
            nft.Load(ruleset.Text);
            uint generation = Prove(expected);
            var loaded = new RulesInForce(ruleset, generation, connections, hasSetting);
            return ruleset.IsQuiet ? loaded : loaded with { Gap = GapCleaning.Begin(time, pod) };
        });
    });

    /// <summary>
    /// The same for a pod whose first program is not started yet, where one wait for the kernel is spared and the proof comes afterwards:
    /// nothing is connected that conntrack could adopt, and nobody is there who could write rules.
    /// </summary>
    public JobOutcome<RulesInForce> LoadAtStart(NamespaceEntry entry, PodNamespace pod, Ruleset ruleset) => Try(() => entry.Run(pod.Namespace, () =>
    {
        // containerd attaches lo and the pod's network at the same time, and routes want lo up. Whoever comes second finds it so.
        using (var links = new LinkSocket())
            if (links.SetUp(LinkSocket.LoopbackIndex) is var error && error != Errno.None)
                throw new RulesException($"lo cannot be brought up: {error}");
        pod.Routes.Ensure(replaceRoutes: true);
        nft.Load(ruleset.Text);
        sysctls.Write(PodSettings.Captured);
        return new RulesInForce(ruleset, NftWatch.CurrentGeneration(), ConnectionsFromBefore: 0, sysctls.Read().Loose is not null);
    }));

    /// <summary>Loads a broken ruleset again, first of all; then looks for what slipped through.</summary>
    /// <param name="exclusions">Those of the ruleset; null for no look.</param>
    public JobOutcome<RulesInForce> Mend(
        NamespaceEntry entry, PodNamespace pod, RulesInForce broken, Exclusions? exclusions, Action onLoaded) => Try(() =>
    {
        entry.Run(pod.Namespace, () =>
        {
            nft.Load(broken.Ruleset.Text);
            return true;
        });
        onLoaded();
        string expected = baseline.ListingOf(broken.Ruleset, entry);
        return entry.Run(pod.Namespace, () =>
        {
            uint generation = Prove(expected);
            var gap = exclusions is null ? null : GapCleaning.Clean(time, pod, exclusions, broken.Known);
            return broken with { Generation = generation, Known = gap?.Known ?? broken.Known, Gap = gap };
        });
    });

    /// <summary>Looks once more for what slipped through.</summary>
    public JobOutcome<GapFindings> CleanGap(NamespaceEntry entry, PodNamespace pod, Exclusions exclusions, KnownConnections known) =>
        Try(() => entry.Run(pod.Namespace, () => GapCleaning.Clean(time, pod, exclusions, known)));

    /// <summary>Compares what is in force with what should be.</summary>
    /// <returns>A generation when they agree; null in <see cref="RulesCheck.Generation"/> when they do not.</returns>
    public JobOutcome<RulesCheck> Check(NamespaceEntry entry, PodNamespace pod, Ruleset ruleset) => Try(() =>
    {
        string expected = baseline.ListingOf(ruleset, entry);
        return entry.Run(pod.Namespace, () =>
        {
            uint generation = NftWatch.CurrentGeneration();
            return new RulesCheck(nft.List() == expected ? generation : null);
        });
    });

    /// <summary>Reads what the rules have counted beside TCP.</summary>
    public static JobOutcome<List<NonTcpCount>> CountNonTcp(NamespaceEntry entry, PodNamespace pod) => Try(() => entry.Run(pod.Namespace, NonTcpSets.Read));

    /// <summary>Takes rules and routes away and puts the settings back.</summary>
    public JobOutcome<PodSettings> Remove(NamespaceEntry entry, PodNamespace pod, PodSettings before) => Try(() =>
        entry.Run(pod.Namespace, () =>
        {
            nft.Load(Ruleset.Removal);
            pod.Routes.Remove();
            sysctls.Write(before);
            return before;
        }));

    // The number is read before the listing: a commit in between makes the next event newer than what was proved.
    private uint Prove(string expected)
    {
        uint generation = NftWatch.CurrentGeneration();
        return nft.List() == expected ? generation : throw new RulesException("the rules differ from what was just loaded: somebody else writes them too");
    }

    private static JobOutcome<T> Try<T>(Func<T> job) where T : class
    {
        try
        {
            return new(job(), "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(null, e.Message);
        }
    }
}
