using System.Globalization;

namespace Ambient.Cli.Check;

/// <summary>What can be known of the machine by reading.</summary>
/// <param name="read">Gives a file's text; null where there is none or it may not be read.</param>
internal sealed class HostChecks(Func<string, string?> read)
{
    // Sets whose elements count packets: Linux 5.7. Older ones load no rules.
    private static readonly Version LeastKernel = new(5, 7);

    // Two descriptors a connection, and 20,000 connections are an ordinary node.
    private const long WantedDescriptors = 65_536;

    // NodeProxy's loops share a few pipes of 1 MiB for what the kernel moves by itself.
    private const long WantedPipeBytes = 1_048_576, WantedPipePages = 16_384;

    /// <summary>Reads files below /proc and the like.</summary>
    public static string? ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public CheckResult Kernel()
    {
        var release = (read("/proc/sys/kernel/osrelease") ?? "").Trim();
        var number = string.Join('.', release.Split('-', '+')[0].Split('.').Take(2));
        if (!Version.TryParse(number, out var version)) return CheckResult.CannotTell("kernel", $"/proc/sys/kernel/osrelease says '{release}'", "Mount /proc, or look with uname -r.");
        return version >= LeastKernel
            ? CheckResult.Ok("kernel", $"Linux {release}")
            : CheckResult.Fail("kernel", $"Linux {release}", $"Ambient needs Linux {LeastKernel} or newer, for sets that count: install a newer kernel.");
    }

    public CheckResult Descriptors()
    {
        var line = (read("/proc/self/limits") ?? "").Split('\n').FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var fields = line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields is not [var softText, var hardText, ..]) return CheckResult.CannotTell("descriptors", "/proc/self/limits does not say", "Look with ulimit -n.");
        var (soft, hard) = (Limit(softText), Limit(hardText));
        return soft >= WantedDescriptors
            ? CheckResult.Ok("descriptors", $"{softText} for each process")
            : hard >= WantedDescriptors
                ? CheckResult.Warn("descriptors", $"{softText} for each process, {hardText} if asked for", $"ulimit -n {Math.Min(hard, 1_048_576)} before ambient-node starts, or LimitNOFILE=1048576 in its unit.")
                : CheckResult.Warn("descriptors", $"at most {hardText} for each process: about {hard / 2} connections", "LimitNOFILE=1048576 in ambient-node's unit, or a line for it in /etc/security/limits.conf.");
    }

    public CheckResult Pipes()
    {
        if (Number("/proc/sys/fs/pipe-max-size") is not { } bytes || Number("/proc/sys/fs/pipe-user-pages-soft") is not { } pages)
            return CheckResult.CannotTell("pipes", "/proc/sys/fs does not say", "Look with sysctl fs.pipe-max-size fs.pipe-user-pages-soft.");
        var detail = string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024} KiB each, {pages} pages a user");
        return bytes < WantedPipeBytes ? CheckResult.Warn("pipes", detail, $"sysctl -w fs.pipe-max-size={WantedPipeBytes} (else bulk data costs more CPU).")
            : pages != 0 && pages < WantedPipePages ? CheckResult.Warn("pipes", detail, $"sysctl -w fs.pipe-user-pages-soft={WantedPipePages} (else bulk data costs more CPU).")
            : CheckResult.Ok("pipes", detail);
    }

    /// <param name="isRoot">Then the mesh needs none.</param>
    public CheckResult UserNamespaces(bool isRoot)
    {
        const string Name = "user namespaces";
        var (most, allowed, restricted) = (Number("/proc/sys/user/max_user_namespaces"), Number("/proc/sys/kernel/unprivileged_userns_clone"), Number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"));
        var (detail, mend) = (most, allowed, restricted) switch
        {
            (null, _, _) => ("this kernel has none", "Run Ambient as root, or use a kernel with CONFIG_USER_NS."),
            (0, _, _) => ("user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=15000, or run Ambient as root."),
            (_, 0, _) => ("kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1, or run Ambient as root."),
            (_, _, 1) => ("AppArmor restricts them for ordinary users", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run Ambient as root."),
            _ => ("", ""),
        };
        return detail.Length == 0 ? CheckResult.Ok(Name, "allowed")
            : isRoot ? CheckResult.Warn(Name, $"{detail}: only the demo as an ordinary user needs them", mend)
            : CheckResult.Fail(Name, detail, mend);
    }

    public CheckResult Ipv6() => (read("/proc/net/if_inet6"), Number("/proc/sys/net/ipv6/conf/all/disable_ipv6")) switch
    {
        (null, _) => CheckResult.Warn("IPv6", "this kernel has none: pods are captured for IPv4 only", "Remove ipv6.disable=1 from the kernel's command line, if pods are to have IPv6."),
        (_, 1) => CheckResult.Warn("IPv6", "switched off here: pods are captured for IPv4 only", "sysctl -w net.ipv6.conf.all.disable_ipv6=0, if pods are to have IPv6."),
        _ => CheckResult.Ok("IPv6", "present"),
    };

    /// <param name="time">Whose two clocks are compared over a moment.</param>
    /// <param name="isSynchronized">What the kernel says; null where it does not.</param>
    /// <param name="wait">Lets the moment pass.</param>
    public static async Task<CheckResult> ClockAsync(TimeProvider time, bool? isSynchronized, Func<TimeSpan, Task> wait)
    {
        var (real, monotonic) = (time.GetUtcNow(), time.GetTimestamp());
        await wait(TimeSpan.FromMilliseconds(100));
        var (passed, passedReal) = (time.GetElapsedTime(monotonic), time.GetUtcNow() - real);
        var now = string.Create(CultureInfo.InvariantCulture, $"{real:yyyy-MM-dd HH:mm:ss}Z");
        // Certificates carry times: before this software existed nobody's are valid.
        if (real.Year is < 2026 or > 2100) return CheckResult.Fail("clock", $"it is {now}", "Set the clock (date -s), then let chrony or systemd-timesyncd keep it.");
        if (passed <= TimeSpan.Zero || (passedReal - passed).Duration() > TimeSpan.FromSeconds(1))
            return CheckResult.Fail("clock", $"the two clocks differ: {passed.TotalMilliseconds:0} ms passed on one, {passedReal.TotalMilliseconds:0} ms on the other", "Something sets the clock by jumps: let chrony slew it instead.");
        return isSynchronized switch
        {
            true => CheckResult.Ok("clock", $"{now}, synchronised"),
            false => CheckResult.Warn("clock", $"{now}, and nothing says that it is kept right", "apt-get install -y chrony: certificates are refused when nodes differ by minutes."),
            null => CheckResult.Ok("clock", $"{now}; the kernel does not say whether it is synchronised"),
        };
    }

    private long? Number(string path) => long.TryParse((read(path) ?? "").Trim(), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static long Limit(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;
}
