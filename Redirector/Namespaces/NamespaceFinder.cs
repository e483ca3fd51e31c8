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
    private readonly ProcessTable _processes;
    private readonly HashSet<NamespaceIdentity> _forbidden = [];

    /// <param name="root">The directory below which paths count; null for none.</param>
    /// <param name="proc">Where the host's /proc is mounted.</param>
    public NamespaceFinder(string? root, string proc)
    {
        _root = root?.TrimEnd('/');
        _processes = new ProcessTable(proc);
        // The host's may be out of reach (its first process belongs to another user namespace), but then so is entering it.
        foreach (string path in (string[])["/proc/self/ns/net", "/proc/1/ns/net", _processes.NamespaceOf(1)])
            if (NamespaceIdentity.TryOf(path, out var identity))
                _forbidden.Add(identity);
    }

    /// <summary>Finds and opens it; its addresses are not yet checked.</summary>
    /// <param name="reason">Empty, or why there is none.</param>
    public bool TryFind(CapturedPod pod, out FoundNamespace? found, out string reason)
    {
        bool isFound = pod.NetnsPath.Length > 0 ? TryFindByPath(pod.NetnsPath, out found, out reason) : TryFindByUid(pod, out found, out reason);
        if (!isFound || MayCapture(found!, out reason))
            return isFound;
        found = null;
        return false;
    }

    /// <summary>Whether a namespace is anybody's but the host's; one that is not is closed.</summary>
    public bool MayCapture(FoundNamespace found, out string reason)
    {
        bool may = !_forbidden.Contains(found.Namespace.Identity);
        reason = may ? "" : "it is the host's network namespace, which is never captured";
        if (!may)
            found.Dispose();
        return may;
    }

    /// <summary>Whether a path counts: it lies below the directory for such paths.</summary>
    public bool IsBelowRoot(string path) => _root is not null && path.StartsWith(_root + "/", StringComparison.Ordinal);

    private bool TryFindByPath(string path, out FoundNamespace? found, out string reason)
    {
        found = null;
        if (_root is null)
        {
            reason = "the order names a network namespace by path, and --netns-root allows none";
            return false;
        }
        if (!IsBelowRoot(path))
        {
            reason = $"{path} does not lie below {_root}";
            return false;
        }
        if (!NetworkNamespace.TryOpenBeneath(_root, path[(_root.Length + 1)..], out var opened, out reason))
            return false;
        found = new FoundNamespace(opened!, path, null);
        return true;
    }

    private bool TryFindByUid(CapturedPod pod, out FoundNamespace? found, out string reason)
    {
        found = null;
        string uid = pod.RuntimeUid.Length > 0 ? pod.RuntimeUid : pod.Uid;
        // The oldest process is the pod's first one; later ones may have gone into namespaces of their own.
        var candidates = _processes.InPod(uid).OrderBy(p => p.StartTime).ThenBy(p => p.Id).ToList();
        foreach (var candidate in candidates)
        {
            // Where the host's numbers are not ours, no descriptor of its process can be had: its end shows by its path.
            var process = _processes.IsOwn ? ProcessDescriptor.TryOpen(candidate.Id, out _) : null;
            string path = _processes.NamespaceOf(candidate.Id);
            if (process is null && _processes.IsOwn)
                continue;
            // Looked at again with the descriptor in hand: the number may have been given to another process in between.
            if (NetworkNamespace.TryOpen(path, out var opened, out _))
            {
                if (_processes.StartTimeOf(candidate.Id) == candidate.StartTime && _processes.IsInPod(candidate.Id, uid))
                {
                    found = new FoundNamespace(opened!, _processes.IsOwn ? null : path, process);
                    reason = "";
                    return true;
                }
                opened!.Dispose();
            }
            process?.Dispose();
        }
        reason = candidates.Count == 0 ? "no process of the pod runs on this node" : "the pod's processes ended while they were looked at";
        return false;
    }
}
