namespace Ambient.Bench.Controller;

/// <summary>Something that was measured.</summary>
/// <param name="Name">As in result lines.</param>
/// <param name="Unit">For people.</param>
/// <param name="AtMost">What is asked, in the unit; null for a figure that is stated only.</param>
internal sealed record Figure(string Name, double Value, string Unit, double? AtMost = null)
{
    public bool IsReached => AtMost is not { } most || Value <= most;
}
