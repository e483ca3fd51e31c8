using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.State.V1;
using Google.Protobuf;

namespace Ambient.NodeProxy.Discovery;

/// <summary>What a NodeProxy leaves for its successor, and how it is written and read: see state.proto. It holds keys and stays in memory.</summary>
/// <param name="View">The view in force.</param>
/// <param name="ViewReceived">When the view came from the controller.</param>
/// <param name="Svids">The certificates that are still good.</param>
/// <param name="DroppedSvids">Why others are not there, for a person.</param>
/// <param name="LastOrder">The last order for Redirector; null if there was none.</param>
public sealed record StoredState(MeshView View, DateTimeOffset ViewReceived, ImmutableArray<Svid> Svids, ImmutableArray<string> DroppedSvids, SignedOrder? LastOrder)
{
    private const uint Format = 1;

    // The definition of resources that this program was built with.
    private static readonly ByteString Known = ByteString.CopyFrom(SHA256.HashData(Protocol.Mesh.V1.MeshReflection.Descriptor.SerializedData.Span));

    /// <summary>Reads what a process left. Never throws, whatever the bytes are.</summary>
    /// <param name="now">Certificates that have ended by then are left out.</param>
    /// <param name="reason">Why nothing of it is used, for a person, or null.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, DateTimeOffset now, [NotNullWhen(true)] out StoredState? state, [NotNullWhen(false)] out string? reason)
    {
        state = null;
        NodeState stored;
        try
        {
            stored = NodeState.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException fault)
        {
            reason = $"it cannot be read: {fault.Message}";
            return false;
        }
        if (stored.Format != Format)
        {
            reason = $"its format is {stored.Format}, not {Format}";
            return false;
        }
        if (stored.ViewReceivedUnixSeconds is < 0 or > 253_402_300_799)   // the range of DateTimeOffset
        {
            reason = "its time is not one";
            return false;
        }
        MeshView? view = MeshView.Empty;
        var resources = new List<Protocol.Model.MeshResource>(stored.Resources.Count);
        string? unreadable = MeshDelta.Read(stored.Resources, new Protocol.Model.SharedValues(), resources);
        // Of a writer that knew other fields it serves, and is no version of any controller's: a change to it would leave out what it lacks.
        bool isWhole = stored.Known.Equals(Known);
        var whole = new MeshDelta(isWhole ? stored.Epoch : $"{stored.Epoch}, in part", stored.Version, true, resources, [], unreadable)
        {
            Fingerprint = isWhole ? stored.Fingerprint : ByteString.Empty,
        };
        if (stored.Epoch.Length > 0 && !MeshView.Empty.TryApply(whole, out view, out reason))
            return false;

        var svids = ImmutableArray.CreateBuilder<Svid>();
        var dropped = ImmutableArray.CreateBuilder<string>();
        ImmutableArray<byte[]> roots = [.. stored.TrustBundle.Select(root => root.ToByteArray())];
        foreach (StoredSvid one in stored.Svids)
        {
            if (TryRead(one, roots, now, out Svid? svid, out string? fault))
                svids.Add(svid);
            else
                dropped.Add($"{one.SpiffeId}: {fault}");
        }
        state = new StoredState(
            view!, DateTimeOffset.FromUnixTimeSeconds(stored.ViewReceivedUnixSeconds), svids.DrainToImmutable(), dropped.DrainToImmutable(), stored.LastOrder);
        reason = null;
        return true;
    }

    /// <summary>The part that holds the view. Parts of a protobuf message add up when their bytes are joined, so each is made only when it changed.</summary>
    internal static byte[] WriteView(MeshView view, DateTimeOffset received, int expectedBytes = 0)
    {
        var bytes = new MemoryStream(expectedBytes);
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            new NodeState
            {
                Format = Format,
                Epoch = view.Epoch,
                Version = view.Version,
                Fingerprint = view.Fingerprint,
                Known = Known,
                ViewReceivedUnixSeconds = received.ToUnixTimeSeconds(),
            }.WriteTo(output);
            // One by one: 100,000 messages that are alive at the same time would outlive a garbage collection, and pause the loops for it.
            foreach (Protocol.Model.MeshResource resource in view.IsPresent ? view.Resources() : [])
            {
                output.WriteTag(NodeState.ResourcesFieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteMessage(Protocol.Model.ResourceWriter.Write(resource));
            }
        }
        return bytes.ToArray();
    }

    /// <summary>The part that holds certificates, keys and the order.</summary>
    internal static byte[] WriteSecrets(IReadOnlyCollection<Svid> svids, SignedOrder? order)
    {
        var stored = new NodeState { LastOrder = order };
        foreach (Svid svid in svids)
        {
            var one = new StoredSvid { SpiffeId = svid.Id.ToString(), PrivateKey = ByteString.CopyFrom(svid.PrivateKeyPkcs8) };
            one.Chain.Add(svid.Chain.Select(certificate => ByteString.CopyFrom(certificate)));
            stored.Svids.Add(one);
        }
        foreach (byte[] root in svids.MaxBy(svid => svid.Generation)?.TrustBundle ?? [])
            stored.TrustBundle.Add(ByteString.CopyFrom(root));
        return stored.ToByteArray();
    }

    private static bool TryRead(
        StoredSvid stored, ImmutableArray<byte[]> roots, DateTimeOffset now, [NotNullWhen(true)] out Svid? svid, [NotNullWhen(false)] out string? reason)
    {
        svid = null;
        if (!SpiffeId.TryParse(stored.SpiffeId, out SpiffeId? id, out reason))
            return false;
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(stored.PrivateKey.Span, out _);
            return CertificateCheck.TryMake(id, [.. stored.Chain.Select(certificate => certificate.ToByteArray())], key, roots, now, out svid, out reason);
        }
        catch (Exception fault) when (fault is CryptographicException or PlatformNotSupportedException or ArgumentException)
        {
            // PlatformNotSupported: a key on a curve that nobody knows, found by turning bits.
            reason = "its key cannot be read";
            return false;
        }
    }
}
