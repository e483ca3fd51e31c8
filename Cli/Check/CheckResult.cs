using System.Text.Json.Serialization;

namespace Ambient.Cli.Check;

/// <summary>How one check came out.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CheckOutcome>))]
internal enum CheckOutcome
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>The mesh runs, less well than it could.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>The mesh, or a part of it, does not run here.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>It could not be looked at; the detail says why.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,
}

/// <summary>One check, of a machine or a cluster.</summary>
/// <param name="Name">What was checked, in a word or two.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Mend">What to do about it, in a line; empty when nothing.</param>
internal sealed record CheckResult(string Name, CheckOutcome Outcome, string Detail, string Mend = "")
{
    public static CheckResult Ok(string name, string detail) => new(name, CheckOutcome.Ok, detail);

    public static CheckResult Warn(string name, string detail, string mend) => new(name, CheckOutcome.Warning, detail, mend);

    public static CheckResult Fail(string name, string detail, string mend) => new(name, CheckOutcome.Failed, detail, mend);

    public static CheckResult CannotTell(string name, string why, string mend) => new(name, CheckOutcome.Unknown, why, mend);
}
