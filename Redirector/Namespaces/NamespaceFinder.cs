using Ambient.Native.Namespaces;
using Ambient.Native.Processes;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Redirector.Namespaces;

/// <summary>
/// Finds a pod's network namespace: by the path in the order where a directory for such paths is configured (standalone), else by the
/// pod's UID among the cgroups of all processes. Never this process's own namespace and never the host's. Any thread.
/// </summary>
internal sealed class NamespaceFinder
{
    private readonly string? _root;
    private readonly HashSet<NamespaceIdentity> _forbidden = [];

    /// <param name="root">The directory below which paths count; null for none.</param>
    public NamespaceFinder(string? root)
    {
        _root = root?.TrimEnd('/');
        // The host's may be out of reach (its first process belongs to another user namespace), but then so is entering it.
        foreach (string path in (string[])["/proc/self/ns/net", "/proc/1/ns/net"])
            if (NamespaceIdentity.TryOf(path, out var identity))
                _forbidden.Add(identity);
    }

    /// <summary>Finds and opens it; its addresses are not yet checked.</summary>
    /// <param name="reason">Empty, or why there is none.</param>
    public bool TryFind(CapturedPod pod, out FoundNamespace? found, out string reason)
    {
        bool isFound = pod.NetnsPath.Length > 0 ? TryFindByPath(pod.NetnsPath, out found, out reason) : TryFindByUid(pod.Uid, out found, out reason);
        if (!isFound || !_forbidden.Contains(found!.Namespace.Identity))
            return isFound;
        found.Dispose();
        found = null;
        reason = "it is the host's network namespace, which is never captured";
        return false;
    }

    private bool TryFindByPath(string path, out FoundNamespace? found, out string reason)
    {
        found = null;
        if (_root is null)
        {
            reason = "the order names a network namespace by path, and --netns-root allows none";
            return false;
        }
        if (!path.StartsWith(_root + "/", StringComparison.Ordinal))
        {
            reason = $"{path} does not lie below {_root}";
            return false;
        }
        if (!NetworkNamespace.TryOpenBeneath(_root, path[(_root.Length + 1)..], out var opened, out reason))
            return false;
        found = new FoundNamespace(opened!, path, null);
        return true;
    }

    private static bool TryFindByUid(string uid, out FoundNamespace? found, out string reason)
    {
        found = null;
        // The oldest process is the pod's first one; later ones may have gone into namespaces of their own.
        var candidates = ProcessTable.InPod(uid).OrderBy(p => p.StartTime).ThenBy(p => p.Id).ToList();
        foreach (var candidate in candidates)
        {
            var process = ProcessDescriptor.TryOpen(candidate.Id, out _);
            if (process is null)
                continue;
            // Looked at again with the descriptor in hand: the number may have been given to another process in between.
            if (ProcessTable.StartTimeOf(candidate.Id) == candidate.StartTime && ProcessTable.IsInPod(candidate.Id, uid)
                && NetworkNamespace.TryOpen($"/proc/{candidate.Id}/ns/net", out var opened, out _))
            {
                found = new FoundNamespace(opened!, null, process);
                reason = "";
                return true;
            }
            process.Dispose();
        }
        reason = candidates.Count == 0 ? "no process of the pod runs on this node" : "the pod's processes ended while they were looked at";
        return false;
    }
}
