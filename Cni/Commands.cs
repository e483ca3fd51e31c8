using System.Diagnostics;
using Ambient.Native.Namespaces;
using Ambient.Protocol.Cni;

namespace Ambient.Cni;

/// <summary>
/// The commands. An enrolled pod, by its namespace's label or its own, never starts uncaptured; every other pod starts whatever happens to the mesh. See
/// docs/decisions/0018-cni.md.
/// </summary>
internal static class Commands
{
    // A Redirector that is being replaced is away for less.
    private static readonly TimeSpan _awayPatience = TimeSpan.FromSeconds(3), _askAgain = TimeSpan.FromMilliseconds(20), _shortly = TimeSpan.FromSeconds(2);

    /// <summary>Returns when the pod is captured, or may start without.</summary>
    public static void Add(CniEnvironment environment, NetworkConfiguration network)
    {
        if (network.PreviousResult is null)
            throw new CniException(CniException.InvalidNetwork, "ambient-cni has to be chained behind another plugin: there is no prevResult");
        if (!MayBeEnrolled(environment, network))
            return;
        var began = Stopwatch.GetTimestamp();
        var hold = TimeSpan.FromSeconds(network.StrictBootSeconds);
        while (true)
        {
            var left = hold - Stopwatch.GetElapsedTime(began);
            var answer = AskAdd(environment, network, left > TimeSpan.Zero ? left : TimeSpan.Zero);
            switch (answer?.Verdict)
            {
                case CniVerdict.Captured or CniVerdict.Passes: return;
                case CniVerdict.Fails: throw new CniException(CniException.NotCaptured, $"the pod cannot be captured: {answer.Text}");
            }
            if (!MustWait(environment, network, Stopwatch.GetElapsedTime(began), left))
                return;
            Pause();
        }
    }

    /// <summary>Tells Redirector that the sandbox goes. Never fails: what cannot be told now shows by itself.</summary>
    public static void Delete(CniEnvironment environment, NetworkConfiguration network)
    {
        if (MayBeEnrolled(environment, network))
            Tell(network.Socket, Request(CniCommand.Delete, environment));
    }

    /// <summary>Whether the pod is captured, if it has to be.</summary>
    public static void Check(CniEnvironment environment, NetworkConfiguration network)
    {
        if (!MayBeEnrolled(environment, network))
            return;
        var answer = RedirectorClient.Ask(network.Socket, Request(CniCommand.Check, environment), [], _shortly);
        if (answer is { Verdict: CniVerdict.Fails })
            throw new CniException(CniException.NotCaptured, answer.Text);
        if (answer is null && IsEnrolled(environment, network, out _) == true)
            throw new CniException(CniException.RedirectorAway, "ambient-redirector does not answer");
    }

    /// <summary>Tells Redirector which sandboxes are left.</summary>
    public static void Collect(NetworkConfiguration network)
    {
        if (network.ValidContainers is { } valid)
            Tell(network.Socket, new CniRequest(CniCommand.Collect) { Valid = valid });
    }

    // A pod that ends must not wait for a Redirector of another release, or for one that is not ours.
    private static void Tell(string socket, CniRequest request)
    {
        try
        {
            _ = RedirectorClient.Ask(socket, request, [], _shortly);
        }
        catch (Exception e) when (e is CniException or IOException)
        {
            // What could not be told shows by itself: the namespace goes.
        }
    }

    private static CniAnswer? AskAdd(CniEnvironment environment, NetworkConfiguration network, TimeSpan hold)
    {
        if (!NetworkNamespace.TryOpen(environment.NetnsPath, out var opened, out string reason))
            throw new CniException(CniException.InvalidEnvironment, $"CNI_NETNS cannot be opened: {reason}");
        using (opened)
        {
            var request = Request(CniCommand.Add, environment) with
            {
                Addresses = network.Addresses,
                Annotations = network.Annotations.Where(a => CniRequest.CanTell(a.Value)).ToDictionary(),
                HoldSeconds = (int)Math.Ceiling(hold.TotalSeconds),
            };
            return RedirectorClient.Ask(network.Socket, request, [opened!.Number], hold + RedirectorClient.AnswerTime);
        }
    }

    // Nobody answers.
    private static bool MustWait(CniEnvironment environment, NetworkConfiguration network, TimeSpan waited, TimeSpan holdLeft)
    {
        if (IsEnrolled(environment, network, out string what) is not { } isEnrolled)
            return holdLeft > TimeSpan.Zero; // this node has never had an order
        if (isEnrolled && waited >= _awayPatience)
            throw new CniException(CniException.RedirectorAway, $"ambient-redirector does not answer, and {what} is enrolled in the mesh: the pod must not start uncaptured");
        return isEnrolled;
    }

    // By the list; null: there is none yet.
    private static bool? IsEnrolled(CniEnvironment environment, NetworkConfiguration network, out string what)
    {
        if (!EnrolledList.TryRead(network.EnrolledFile, out var list, out string? fault))
            throw new CniException(CniException.InputOutput, $"ambient-redirector does not answer, and which namespaces are enrolled cannot be known: {fault}");
        bool isWhole = list?.HasNamespace(environment.Namespace) == true;
        what = isWhole ? $"namespace {environment.Namespace}" : "by its own label this pod";
        return list is null ? null : isWhole || list.HasPod(environment.Namespace, environment.Pod, environment.Uid);
    }

    // Outside Kubernetes there is nobody to enrol, and what the mesh itself needs to come up is never asked about.
    private static bool MayBeEnrolled(CniEnvironment environment, NetworkConfiguration network) =>
        environment.Namespace.Length > 0 && !network.ExcludedNamespaces.Contains(environment.Namespace);

    private static CniRequest Request(CniCommand command, CniEnvironment environment)
    {
        foreach (string value in (string[])[environment.Namespace, environment.Pod, environment.Uid, environment.NetnsPath])
            if (!CniRequest.CanTell(value))
                throw new CniException(CniException.InvalidEnvironment, "CNI_ARGS or CNI_NETNS holds control characters, or is too long");
        return new CniRequest(command)
        {
            Container = environment.Container, Namespace = environment.Namespace, Pod = environment.Pod, Uid = environment.Uid, NetnsPath = environment.NetnsPath,
        };
    }

    private static void Pause()
    {
        using var never = new ManualResetEventSlim();
        never.Wait(_askAgain);
    }
}
