namespace Ambient.NodeProxy.Telemetry;

/// <summary>The sums of one edge at one moment.</summary>
internal readonly record struct EdgeTotals(long Opened, long Closed, long Sent, long Received)
{
    public long Open => Opened - Closed;

    public static EdgeTotals operator +(EdgeTotals left, EdgeTotals right) =>
        new(left.Opened + right.Opened, left.Closed + right.Closed, left.Sent + right.Sent, left.Received + right.Received);
}
