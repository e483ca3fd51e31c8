namespace Ambient.Tests.Mesh.Rig;

/// <summary>What this machine and this run can offer. A test that needs more is skipped, and says what was missing.</summary>
internal static class Machine
{
    /// <summary>Skips the test unless it runs in namespaces of its own (which `./ambient.sh test mesh` makes) with these programs at hand.</summary>
    public static void Offers(params ReadOnlySpan<string> programs)
    {
        if (Environment.GetEnvironmentVariable("AMBIENT_ISOLATED") != "1")
        {
            var reason = Environment.GetEnvironmentVariable("AMBIENT_NOT_ISOLATED");
            Assert.Skip(string.IsNullOrEmpty(reason)
                ? "Runs only in namespaces of its own: use ./ambient.sh test mesh."
                : $"This machine allows no namespaces here: {reason.Trim()}");
        }
        foreach (var program in programs)
        {
            Assert.SkipUnless(Find(program) is not null, $"The program {program} is not installed.");
            // It changes its groups before it captures, as root, whatever it is told (user_namespaces(7), setgroups).
            Assert.SkipWhen(program == "tcpdump" && File.ReadAllText("/proc/self/setgroups").Trim() == "deny",
                "tcpdump does not run in a user namespace with a single uid: install uidmap and give this user further uids (/etc/subuid).");
        }
    }

    /// <summary>Where a program is, by the PATH; null if nowhere.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
