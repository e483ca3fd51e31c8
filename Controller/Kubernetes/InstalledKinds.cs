using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Following;

namespace Ambient.Controller.Kubernetes;

/// <summary>
/// Follows the kinds of <see cref="KindCatalog.Installable"/> from when they are installed until they are removed, and knows those that
/// matter and are not understood. The definitions say which there are, not discovery: a server that has just started serves them a
/// moment later than its own kinds, and what is not served for a moment is not gone. Where we may not read the definitions, discovery
/// must do for our own kinds, and some network policy counts as not understood, since there may be one that nobody told us of.
/// </summary>
/// <param name="definitions">CustomResourceDefinitions as they are known.</param>
/// <param name="follow">Begins to follow a kind, until cancelled. It counts as being followed at once, and its end is no fault.</param>
/// <param name="gate">Of the source.</param>
internal sealed class InstalledKinds(ObjectTable definitions, ApiConnection connection, Func<FollowedKind, CancellationToken, Task> follow, Lock gate,
    ILogger logger)
{
    /// <summary>What counts as a kind that is not understood where we may not know which there are.</summary>
    internal const string UnknowablePolicy = "unknown/NetworkPolicy";

    private const string OwnGroup = "ambient.mesh";
    private static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, (FollowedKind Kind, CancellationTokenSource Stop, Task Following)> _followed = [];
    private readonly SemaphoreSlim _changed = new(0);

    /// <summary>Whether it is known which kinds there are, and each of them is followed.</summary>
    internal bool IsKnownLocked { get; private set; }

    /// <summary>Kinds that are there, matter, and are not read.</summary>
    internal IEnumerable<string> UnknownKindsLocked => definitions.ForbiddenReason is not null
        ? [UnknowablePolicy]
        : EstablishedLocked.Where(IsUnknown).Select(kind => kind.QualifiedKind);

    private IEnumerable<InstalledKind> EstablishedLocked => definitions.ObjectsLocked.Cast<InstalledKind>().Where(kind => kind.IsEstablished);

    /// <summary>The definitions changed.</summary>
    internal void Nudge()
    {
        if (_changed.CurrentCount == 0)
            _changed.Release();
    }

    /// <summary>Follows what is installed, until cancelled.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var isForbidden = false;
                IReadOnlyList<FollowedKind>? wanted = null;
                lock (gate)
                {
                    isForbidden = definitions.ForbiddenReason is not null;
                    if (!isForbidden && definitions.HasListed)
                        wanted = [.. KindCatalog.Installable.SelectMany(known => EstablishedLocked.Select(kind => Resolve(known, kind))).OfType<FollowedKind>()];
                }
                wanted ??= isForbidden ? await AskAsync(cancellation) : null;
                if (wanted is not null)
                    await FollowAsync(wanted, cancellation);
                await _changed.WaitAsync(isForbidden ? AskInterval : Timeout.InfiniteTimeSpan, cancellation);
            }
        }
        finally
        {
            await Task.WhenAll(_followed.Values.Select(f => f.Following));
            foreach (var (_, stop, _) in _followed.Values)
                stop.Dispose();
        }
    }

    private async Task FollowAsync(IReadOnlyList<FollowedKind> wanted, CancellationToken cancellation)
    {
        foreach (var (name, (kind, stop, following)) in _followed.Where(f => !wanted.Any(kind => IsSame(kind, f.Value.Kind))).ToList())
        {
            logger.KindUninstalled(kind.QualifiedName);
            await stop.CancelAsync();
            await following;
            stop.Dispose();
            _followed.Remove(name);
        }
        foreach (var kind in wanted.Where(kind => !_followed.ContainsKey(kind.QualifiedName)))
        {
            logger.KindInstalled(kind.QualifiedName);
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            _followed.Add(kind.QualifiedName, (kind, stop, follow(kind, stop.Token)));
        }
        lock (gate)
            IsKnownLocked = true;
    }

    // What was there once is not taken for gone here: without the definitions nobody knows whether it is.
    private async Task<IReadOnlyList<FollowedKind>?> AskAsync(CancellationToken cancellation)
    {
        try
        {
            var served = new HashSet<string>();
            foreach (var version in await Discovery.VersionsOfAsync(connection, OwnGroup, cancellation))
                served.UnionWith((await Discovery.PluralsOfAsync(connection, OwnGroup, version, cancellation)).Select(plural => $"{version}/{plural}"));
            return [.. KindCatalog.Installable.Where(kind => kind.Group == OwnGroup && served.Contains($"{kind.Versions[0]}/{kind.Plural}"))
                .UnionBy(_followed.Values.Select(f => f.Kind), kind => kind.QualifiedName)];
        }
        catch (Exception e) when (e is ApiRefusal or HttpRequestException or IOException or TimeoutException)
        {
            return null;
        }
    }

    private static bool IsUnknown(InstalledKind kind) =>
        (kind.Group is KindCatalog.RoutesGroup || (kind.DefinedKind.EndsWith("NetworkPolicy", StringComparison.Ordinal) && !KindCatalog.WithoutEffect.Contains(kind.Name))
            || KindCatalog.Installable.Any(known => known.Group == OwnGroup && known.QualifiedName == kind.Name))
        && !KindCatalog.Installable.Any(known => Resolve(known, kind) is not null);

    // Not by the records' equality, which takes lists of equal versions for different ones: following would begin anew with each change
    // of any definition, and what is begun anew is not known for a moment.
    private static bool IsSame(FollowedKind a, FollowedKind b) => a.QualifiedName == b.QualifiedName && a.Versions[0] == b.Versions[0];

    private static FollowedKind? Resolve(FollowedKind known, InstalledKind kind) =>
        known.Group == kind.Group && known.Plural == kind.Plural && known.Versions.FirstOrDefault(kind.Versions.Contains) is { } version
            ? known with { Versions = version == known.Versions[0] ? known.Versions : [version] }
            : null;
}
