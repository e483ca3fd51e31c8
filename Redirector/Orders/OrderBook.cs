using System.Text;
using Ambient.Protocol.Cni;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Redirector.Orders;

/// <summary>
/// The order in force. It takes only what the controller signed for this node and this boot, newer than the last one and not expired, and
/// keeps the last one in a file that only root reads: for the time after a restart or a reboot, until the controller speaks again.
/// </summary>
internal sealed class OrderBook(string node, string bootId, OrderKey key, StateDirectory state, TimeProvider time)
{
    private const string FileName = "order";

    private byte[]? _inForce, _unknown;

    /// <summary>Null before the first one.</summary>
    public CaptureOrder? InForce { get; private set; }

    /// <summary>Which pods <see cref="InForce"/> enrols whether it names them or not.</summary>
    public EnrolledList Enrolled { get; private set; } = new([], []);

    /// <summary>Orders of this boot must be newer than this; 0 for none yet.</summary>
    public ulong VersionFloor { get; private set; }

    /// <summary>
    /// Takes the stored order up again. Its expiry does not count: it was in time when it came, the file is out of NodeProxy's reach, and
    /// a controller that is away for long must not open the pods. One from before a reboot counts too, but sets no floor.
    /// </summary>
    /// <param name="reason">Empty, or why it is not taken.</param>
    public bool TryRestore(out string reason)
    {
        reason = "";
        if (state.Read(FileName) is not { } bytes)
            return false;
        if (!TryParse(bytes, out var signed) || !TryPeek(signed, out var claim))
        {
            reason = "the stored order is not readable";
            return false;
        }
        var issued = DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(claim.ExpiresUnixSeconds - 1, 0, DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
        if (!key.Verifier.TryOpen(signed, node, claim.BootId, lastVersion: 0, issued, out var order, out string? fault))
        {
            reason = fault;
            return false;
        }
        var enrolled = EnrolledBy(order);
        try
        {
            WriteEnrolled(enrolled); // an earlier release, or one that crashed, may have left none or an older one
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason = $"the list of enrolled namespaces cannot be stored: {e.Message}";
            return false;
        }
        (InForce, Enrolled, _inForce) = (order, enrolled, bytes);
        VersionFloor = order.BootId == bootId ? order.Version : 0;
        return true;
    }

    /// <summary>
    /// Whether it is the very order in force, as every NodeProxy passes on that connects: nothing to do, and nothing to count as a lie.
    /// </summary>
    public bool IsInForce(ReadOnlySpan<byte> signedOrder) => _inForce is not null && signedOrder.SequenceEqual(_inForce);

    /// <summary>Judges an order that NodeProxy passed on, and keeps it if it is good.</summary>
    /// <param name="signedOrder">A serialized SignedOrder, from somebody who is not trusted.</param>
    /// <param name="version">Of an accepted order.</param>
    /// <param name="reason">Empty, or why it is refused.</param>
    public bool TryAccept(byte[] signedOrder, out ulong version, out string reason)
    {
        version = 0;
        if (!TryParse(signedOrder, out var signed))
        {
            reason = "not a signed order";
            return false;
        }
        if (!key.Verifier.TryOpen(signed, node, bootId, VersionFloor, time.GetUtcNow(), out var order, out string? fault))
        {
            (_unknown, reason) = (signedOrder, fault);
            return false;
        }
        var enrolled = EnrolledBy(order);
        // Before it has effect: a restart must not go back behind it.
        try
        {
            // The list first: between the two the plugin knows more namespaces than the order, never fewer.
            WriteEnrolled(enrolled);
            state.Write(FileName, signedOrder, isDurable: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason = $"the order cannot be stored: {e.Message}";
            return false;
        }
        _unknown = null;
        (InForce, Enrolled, _inForce, VersionFloor, version, reason) = (order, enrolled, signedOrder, order.Version, order.Version, "");
        return true;
    }

    /// <summary>
    /// Judges the order that was refused last once more, after the key was replaced: NodeProxy passes an order on once, and it may be here
    /// before kubelet has brought the key that signed it.
    /// </summary>
    /// <returns>False also when there is none.</returns>
    public bool TryAcceptLate(out ulong version)
    {
        version = 0;
        return _unknown is { } order && TryAccept(order, out version, out _);
    }

    /// <summary>What the last good order enrolled, as it was written down: also where that order cannot be taken up again.</summary>
    /// <param name="list">Null when there never was an order.</param>
    /// <returns>False when it cannot be read.</returns>
    public bool TryReadLastEnrolled(out EnrolledList? list, out string? fault) =>
        EnrolledList.TryRead(state.PathOf(EnrolledList.FileName), out list, out fault);

    private static EnrolledList EnrolledBy(CaptureOrder order) =>
        new(order.EnrolledNamespaces, order.OptedIn.Select(pod => new EnrolledPod(pod.Uid, pod.Namespace, pod.Name)));

    private void WriteEnrolled(EnrolledList list) => state.Write(EnrolledList.FileName, Encoding.UTF8.GetBytes(list.ToText()), isDurable: true);

    // What an order says before its signature was looked at: only to know which questions to ask the verifier.
    private static bool TryPeek(SignedOrder signed, out CaptureOrder claim)
    {
        claim = new CaptureOrder();
        try
        {
            claim.MergeFrom(signed.Order);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static bool TryParse(byte[] bytes, out SignedOrder signed)
    {
        signed = new SignedOrder();
        try
        {
            signed.MergeFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
