using System.Reflection;
using Ambient.Controller;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Unit.Controller;

public sealed class ControllerOptionsTests
{
    [Fact]
    public void Everything_that_is_wrong_is_told_at_once()
    {
        Assert.Null(Read(out var faults, ("source", "/nowhere/at/all"), ("listen", "1.2.3.4"), ("trust-domain", "Big"), ("leaf-lifetime", "1s"),
            ("admin", "localhost:1"), ("ca-cert", "/nowhere.pem")));
        Assert.Equal(["--admin", "--ca-cert", "--ca-cert, --ca-key", "--leaf-lifetime", "--listen", "--source", "--state", "--trust-domain"],
            faults.Select(f => f.Split(':')[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Defaults_are_those_of_the_help()
    {
        var options = Read(out _, ("source", "/"), ("state", "/tmp/x"), ("listen", "[::]:15010"));
        Assert.NotNull(options);
        Assert.Equal(("cluster.local", TimeSpan.FromHours(48), "127.0.0.1:15011", "[::]:15010"),
            (options.TrustDomain, options.LeafLifetime, options.Admin!.ToString(), options.Listen.ToString()));
    }

    [Fact]
    public void The_admin_pages_are_off_by_the_word_none() =>
        Assert.Null(Read(out _, ("source", "/"), ("state", "/tmp/x"), ("listen", "127.0.0.1:0"), ("admin", "none"))!.Admin);

    [Fact]
    public void Excluded_namespaces_are_in_addition_to_those_that_the_mesh_needs_to_come_up() =>
        Assert.Equal(["ambient-system", "kube-system", "monitoring"],
            Read(out _, ("source", "/"), ("state", "/tmp/x"), ("listen", "127.0.0.1:0"), ("excluded-namespaces", "monitoring"))!.ExcludedNamespaces.Order());

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("30m", 1800)]
    [InlineData("48h", 172_800)]
    [InlineData("30d", 2_592_000)]
    [InlineData("", null)]
    [InlineData("s", null)]
    [InlineData("5", null)]
    [InlineData("-5s", null)]
    [InlineData("5 s", null)]
    [InlineData("2147483647d", null)]
    [InlineData("99999999999s", null)]
    public void Durations_are_a_number_and_a_unit(string text, int? seconds)
    {
        Assert.Equal(seconds is not null, ControllerOptions.TryReadDuration(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds ?? 0), duration);
    }

    [Fact]
    public void Every_log_message_has_an_id_of_its_own()
    {
        var ids = typeof(ControllerLog).GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>().Select(a => a.EventId).ToList();
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Distinct().Count(), ids.Count);
    }

    private static ControllerOptions? Read(out List<string> faults, params (string Name, string Text)[] given) =>
        ControllerOptions.Read(name => given.FirstOrDefault(g => g.Name == name).Text, out faults);
}
