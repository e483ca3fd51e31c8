using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using System.Text;
using Ambient.Controller.Replicas;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace Ambient.Controller.Authority;

/// <summary>
/// The controller's keys as two Secrets of a cluster: <c>ambient-ca</c> (type kubernetes.io/tls, in the layout of cert-manager) and
/// <c>ambient-orders</c>. Read once, changed in memory, written back whole: each Secret on condition that nobody else has written it
/// meanwhile. Owned by one caller.
/// </summary>
/// <remarks>
/// A Secret <c>ambient-ca</c> that we did not make is the user's: it is read as it is and never written. Next and previous root of a
/// rotation stand beside the present one in the same Secret, so that a step is one write.
/// </remarks>
internal sealed class ClusterState : IStateStore
{
    internal const string AuthoritySecret = "ambient-ca", OrdersSecret = "ambient-orders";
    internal const string RootEntry = "ca.crt";

    /// <summary>Says that the Secret is ours to write.</summary>
    internal const string MadeBy = "ambient.mesh/made-by", Maker = "ambient-controller";

    private const string CertificateEntry = "tls.crt", KeyEntry = "tls.key";

    private static readonly FrozenDictionary<string, (string Secret, string Entry)> Entries = new Dictionary<string, (string, string)>
    {
        [AuthorityKeys.CertificateFile] = (AuthoritySecret, CertificateEntry),
        [AuthorityKeys.KeyFile] = (AuthoritySecret, KeyEntry),
        [RootRotation.NextCertificate] = (AuthoritySecret, "next.crt"),
        [RootRotation.NextKey] = (AuthoritySecret, "next.key"),
        [RootRotation.PreviousCertificate] = (AuthoritySecret, "previous.crt"),
        [RootRotation.PreviousKey] = (AuthoritySecret, "previous.key"),
        [RootRotation.DueFile] = (AuthoritySecret, "rotation-due"),
        // Not beside the user's own, which is not ours to write.
        [RetiringRoots.File] = (OrdersSecret, RetiringRoots.File),
        [OrderKeys.PrivateFile] = (OrdersSecret, "private-key.pem"),
        [OrderKeys.PublicFile] = (OrdersSecret, "order-key.pem"),
    }.ToFrozenDictionary();

    private readonly Dictionary<string, Draft> _drafts;
    private readonly string _namespace;

    private ClusterState(string @namespace, Dictionary<string, Draft> drafts)
    {
        _namespace = @namespace;
        _drafts = drafts;
    }

    /// <inheritdoc/>
    public string Place => $"Secret {_namespace}/{AuthoritySecret}";

    /// <summary>There is an authority, and it is the user's.</summary>
    internal bool IsGiven => _drafts[AuthoritySecret] is { Read: not null, IsOurs: false };

    /// <summary>There is a Secret with an authority, whoever made it.</summary>
    internal bool HasAuthority => _drafts[AuthoritySecret].Read is not null;

    /// <summary>The public texts, whose change is a change of the authority.</summary>
    internal string PublicTexts => string.Join('\n', TryRead(AuthorityKeys.CertificateFile), TryRead(RootRotation.NextCertificate), TryRead(RootRotation.PreviousCertificate),
        IsGiven ? TryRead(RetiringRoots.File) : null);

    /// <summary>Reads both Secrets.</summary>
    /// <exception cref="ClusterException">The API cannot be reached, or refuses.</exception>
    internal static async Task<ClusterState> ReadAsync(Func<IKubernetes> client, string @namespace, CancellationToken cancellation)
    {
        var drafts = new Dictionary<string, Draft>();
        foreach (var name in new[] { AuthoritySecret, OrdersSecret })
        {
            var read = await ClusterCall.OrNullAsync($"read Secret {@namespace}/{name}",
                token => client().CoreV1.ReadNamespacedSecretAsync(name, @namespace, cancellationToken: token), cancellation);
            drafts[name] = new Draft(read);
        }
        return new ClusterState(@namespace, drafts);
    }

    /// <inheritdoc/>
    public string? TryRead(string name)
    {
        var (secret, entry) = Entries[name];
        var draft = _drafts[secret];
        var text = draft.Entries.GetValueOrDefault(entry);
        // Theirs: the certificate and what stands between may be apart from the root, as cert-manager has it.
        return entry == CertificateEntry && text is not null && !draft.IsOurs && draft.Entries.GetValueOrDefault(RootEntry) is { } root
            ? $"{text.TrimEnd()}\n{root}"
            : text;
    }

    /// <inheritdoc/>
    public void WritePrivate(string name, string text) => Write(name, text);

    /// <inheritdoc/>
    public void WritePublic(string name, string text) => Write(name, text);

    /// <inheritdoc/>
    public void Delete(string name) => Write(name, null);

    /// <summary>Writes what was changed.</summary>
    /// <returns>False if somebody else wrote meanwhile: then all of it is to be read and done again.</returns>
    /// <exception cref="ClusterException">The API cannot be reached, or refuses.</exception>
    internal async Task<bool> TryCommitAsync(Func<IKubernetes> client, CancellationToken cancellation)
    {
        foreach (var (name, draft) in _drafts.Where(d => d.Value.IsChanged))
        {
            var secret = SecretOf(name, draft);
            try
            {
                await ClusterCall.Async($"write Secret {_namespace}/{name}", token => draft.Read is null
                    ? client().CoreV1.CreateNamespacedSecretAsync(secret, _namespace, cancellationToken: token)
                    : client().CoreV1.ReplaceNamespacedSecretAsync(secret, name, _namespace, cancellationToken: token), cancellation);
            }
            catch (ClusterException e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound && draft.IsRaced(e.Status.Value))
            {
                return false;
            }
        }
        return true;
    }

    private void Write(string name, string? text)
    {
        var (secret, entry) = Entries[name];
        var draft = _drafts[secret];
        if (secret == AuthoritySecret && IsGiven)
            throw new AuthorityException($"{Place} was not made by this controller, which therefore leaves it as it is: replace its entries yourself (both roots in {RootEntry} while certificates of the old one are in use)");
        draft.Set(entry, text);
        if (entry == CertificateEntry)
            draft.Set(RootEntry, text);
    }

    private V1Secret SecretOf(string name, Draft draft)
    {
        var secret = draft.Read ?? new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = _namespace,
                Labels = new Dictionary<string, string> { ["app.kubernetes.io/managed-by"] = Maker, ["app.kubernetes.io/part-of"] = "ambient" },
                Annotations = new Dictionary<string, string> { [MadeBy] = Maker },
            },
            Type = name == AuthoritySecret ? "kubernetes.io/tls" : "Opaque",
        };
        secret.Data = draft.Entries.ToDictionary(e => e.Key, e => Encoding.UTF8.GetBytes(e.Value));
        return secret;
    }

    private sealed class Draft(V1Secret? read)
    {
        internal V1Secret? Read => read;

        internal bool IsOurs { get; } = read is null || read.Metadata.Annotations?.TryGetValue(MadeBy, out var maker) == true && maker == Maker;

        internal ImmutableDictionary<string, string> Entries { get; private set; } =
            (read?.Data ?? new Dictionary<string, byte[]>()).ToImmutableDictionary(e => e.Key, e => Encoding.UTF8.GetString(e.Value));

        internal bool IsChanged { get; private set; }

        internal void Set(string entry, string? text)
        {
            var next = text is null ? Entries.Remove(entry) : Entries.SetItem(entry, text);
            IsChanged |= !ReferenceEquals(next, Entries);
            Entries = next;
        }

        // 409: made or written by another one. 404: removed under us; of a Secret that is to be made it is the namespace that is missing.
        internal bool IsRaced(HttpStatusCode status) => status == HttpStatusCode.Conflict || read is not null;
    }
}
