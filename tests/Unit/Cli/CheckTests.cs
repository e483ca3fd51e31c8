using Ambient.Cli.Check;
using Ambient.Redirector.Rules;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Cli;

/// <summary>What is made of a machine's own words. Real namespaces are in tests/Mesh.</summary>
public sealed class CheckTests
{
    private readonly Dictionary<string, string> _files = [];

    [Theory]
    [InlineData("6.1.0-18-amd64", "ok")]
    [InlineData("5.7.0", "ok")]
    [InlineData("5.6.19+", "failed")]
    [InlineData("4.19.0-26-cloud", "failed")]
    [InlineData("", "unknown")]
    public void A_kernel_is_judged_by_its_number(string release, string outcome)
    {
        _files["/proc/sys/kernel/osrelease"] = release + "\n";
        AssertIs(outcome, Checks.Kernel());
    }

    [Theory]
    [InlineData("1048576 1048576", "ok", "")]
    [InlineData("unlimited unlimited", "ok", "")]
    [InlineData("1024 1048576", "warning", "ulimit -n 1048576")]
    [InlineData("1024 4096", "warning", "LimitNOFILE=1048576")]
    public void Descriptors_are_judged_by_the_limit_and_by_how_far_it_may_be_raised(string limits, string outcome, string mend)
    {
        _files["/proc/self/limits"] = $"Limit                     Soft Limit           Hard Limit           Units\nMax open files            {limits} files\nMax locked memory 1 1 bytes\n";
        var result = Checks.Descriptors();
        AssertIs(outcome, result);
        Assert.Contains(mend, result.Mend, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1048576", "16384", "ok")]
    [InlineData("1048576", "0", "ok")]   // no limit
    [InlineData("65536", "16384", "warning")]
    [InlineData("1048576", "1024", "warning")]
    public void Pipes_are_judged_by_their_size_and_number(string bytes, string pages, string outcome)
    {
        (_files["/proc/sys/fs/pipe-max-size"], _files["/proc/sys/fs/pipe-user-pages-soft"]) = (bytes, pages);
        AssertIs(outcome, Checks.Pipes());
    }

    [Theory]
    [InlineData("0", null, null, "user.max_user_namespaces=15000")]
    [InlineData("100", "0", null, "unprivileged_userns_clone=1")]
    [InlineData("100", null, "1", "apparmor_restrict_unprivileged_userns=0")]
    [InlineData(null, null, null, "CONFIG_USER_NS")]
    public void Forbidden_user_namespaces_stop_an_ordinary_user_and_are_told_to_root(string? most, string? allowed, string? restricted, string mend)
    {
        if (most is not null) _files["/proc/sys/user/max_user_namespaces"] = most;
        if (allowed is not null) _files["/proc/sys/kernel/unprivileged_userns_clone"] = allowed;
        if (restricted is not null) _files["/proc/sys/kernel/apparmor_restrict_unprivileged_userns"] = restricted;
        AssertIs("failed", Checks.UserNamespaces(isRoot: false));
        var asRoot = Checks.UserNamespaces(isRoot: true);
        AssertIs("warning", asRoot);
        Assert.Contains(mend, asRoot.Mend, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_without_IPv6_runs_the_mesh_for_IPv4()
    {
        AssertIs("warning", Checks.Ipv6());
        (_files["/proc/net/if_inet6"], _files["/proc/sys/net/ipv6/conf/all/disable_ipv6"]) = ("", "1");
        AssertIs("warning", Checks.Ipv6());
        _files["/proc/sys/net/ipv6/conf/all/disable_ipv6"] = "0";
        AssertIs("ok", Checks.Ipv6());
    }

    [Theory]
    [InlineData(2026, true, "ok")]
    [InlineData(2026, false, "warning")]
    [InlineData(2026, null, "ok")]
    [InlineData(1970, true, "failed")]
    [InlineData(2200, true, "failed")]
    public async Task A_clock_is_judged_by_its_year_and_by_who_keeps_it(int year, bool? isSynchronized, string outcome)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(year, 6, 1, 0, 0, 0, TimeSpan.Zero));
        AssertIs(outcome, await HostChecks.ClockAsync(time, isSynchronized, moment =>
        {
            time.Advance(moment);
            return Task.CompletedTask;
        }));
    }

    [Fact]
    public async Task A_clock_that_jumps_while_it_is_looked_at_is_told()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
        AssertIs("failed", await HostChecks.ClockAsync(time, true, _ =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            time.AdjustTime(time.GetUtcNow().AddMinutes(-5));
            return Task.CompletedTask;
        }));
    }

    [Fact]
    public void A_report_puts_each_mend_under_its_finding_and_ends_with_a_verdict()
    {
        CheckResult[] all = [CheckResult.Ok("kernel", "Linux 6.1"), CheckResult.Warn("pipes", "small", "Do this."), CheckResult.CannotTell("canary", "ip is missing", "Install it."), CheckResult.Fail("nft", "nft is missing", "Install that.")];
        Assert.Equal("""
            ok       kernel  Linux 6.1
            WARNING  pipes   small
                             -> Do this.
            UNKNOWN  canary  ip is missing
                             -> Install it.
            FAILED   nft     nft is missing
                             -> Install that.
            This machine cannot run all of Ambient: see FAILED.

            """, new CheckReport(all).Text(Verdicts.Machine));
        Assert.Equal([0, 0, 2, 1], Enumerable.Range(1, 4).Select(count => new CheckReport(all[..count]).ExitStatus));
    }

    [Fact]
    public void The_numbers_that_are_checked_are_those_of_Redirector()
    {
        Assert.Equal(
            (CaptureNumbers.OutboundPort, CaptureNumbers.InboundPort, CaptureNumbers.SocketMark, CaptureNumbers.ReplyRule),
            (MeshNumbers.OutboundPort, MeshNumbers.InboundPort, MeshNumbers.SocketMark, MeshNumbers.ReplyRule));
        Assert.Contains("{ 192.0.2.0/28, 203.0.113.0/24 }", Ruleset.Sample.Text, StringComparison.Ordinal);
        Assert.Contains("{ 1, 2 }", Ruleset.Sample.Text, StringComparison.Ordinal);
    }

    private HostChecks Checks => new(path => _files.GetValueOrDefault(path));

    private static void AssertIs(string outcome, CheckResult result)
    {
        Assert.Equal(outcome, result.Outcome.ToString().ToLowerInvariant());
        Assert.Equal(outcome == "ok", result.Mend.Length == 0);
    }
}
