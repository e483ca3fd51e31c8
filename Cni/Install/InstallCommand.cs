namespace Ambient.Cni.Install;

/// <summary>install and uninstall. Exit status: 0 done or nothing to do, 1 it failed, 2 wrong usage.</summary>
internal static class InstallCommand
{
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        if (arguments is not ["install" or "uninstall", ..] || arguments.Contains("--help"))
        {
            bool isHelp = arguments.Contains("--help") || arguments.Contains("-h");
            (isHelp ? output : error).WriteLine(InstallOptions.Help);
            return isHelp ? 0 : 2;
        }
        var options = InstallOptions.Parse(arguments.AsSpan(1), out var faults);
        foreach (string fault in faults)
            error.WriteLine($"ambient-cni: {fault}");
        if (faults.Count > 0)
            return 2;
        try
        {
            var folder = new NetworkFolder(options.NetworkFolder);
            string self = Environment.ProcessPath ?? throw new IOException("where this program lies is not known");
            // The program before its entry, and away after it: a network never names a plugin that is not there.
            if (arguments[0] == "install")
            {
                Tell(PluginBinary.Install(self, options.BinaryFolder));
                Tell(folder.Chain(options));
            }
            else
            {
                folder.Unchain().ForEach(Tell);
                Tell(PluginBinary.Uninstall(options.BinaryFolder));
            }
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            error.WriteLine($"ambient-cni: {e.Message}");
            return 1;
        }

        void Tell(string? what)
        {
            if (what is not null)
                output.WriteLine(what);
        }
    }
}
