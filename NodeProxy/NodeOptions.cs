using System.CommandLine;
using System.Globalization;
using System.Net;

namespace Ambient.NodeProxy;

/// <summary>
/// Settings of the process, by command line or by environment (<c>--admin-socket</c> is <c>AMBIENT_ADMIN_SOCKET</c>; the command
/// line wins). All faults are told at once.
/// </summary>
internal sealed record NodeOptions
{
    /// <summary>This node's name; the join token must name the same.</summary>
    public required string Node { get; init; }

    /// <summary>The controller, <c>https://address:port</c>.</summary>
    public required Uri Controller { get; init; }

    /// <summary>PEM file with the roots that the controller's certificate must lead to; given beforehand.</summary>
    public required string Bundle { get; init; }

    /// <summary>File with the join token; read anew at every connect.</summary>
    public required string TokenFile { get; init; }

    /// <summary>Path of Redirector's socket; null when a descriptor is inherited.</summary>
    public string? Redirector { get; init; }

    /// <summary>An inherited SOCK_SEQPACKET descriptor to Redirector; null when there is a path.</summary>
    public int? RedirectorFd { get; init; }

    /// <summary>Where metrics and readiness are served over TCP; null for nowhere.</summary>
    public IPEndPoint? Admin { get; init; }

    /// <summary>Path of the Unix socket for status, configuration and connections; null for none.</summary>
    public string? AdminSocket { get; init; }

    /// <summary>Event loops; one a core by default.</summary>
    public int Loops { get; init; }

    /// <summary>How long open connections may go on after SIGTERM, in seconds.</summary>
    public int DrainSeconds { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <returns>The settings, or null with an exit status when help was asked for or something is wrong; it was printed.</returns>
    public static NodeOptions? Read(string[] args, Func<string, string?> environment, TextWriter error, out int exitStatus)
    {
        var node = Setting("--node", "this node's name");
        var controller = Setting("--controller", "the controller, https://ADDRESS:PORT");
        var bundle = Setting("--bundle", "PEM file with the mesh's root certificates");
        var token = Setting("--token-file", "file with this node's join token");
        var redirector = Setting("--redirector", "path of ambient-redirector's socket");
        var redirectorFd = Setting("--redirector-fd", "inherited descriptor to ambient-redirector, instead of a path");
        var admin = Setting("--admin", "ADDRESS:PORT for /metrics, /ready and /live, or none (default [::]:15020, which is IPv4 too)");
        var adminSocket = Setting("--admin-socket", "path of the socket that ambientctl asks");
        var loops = Setting("--loops", "event loops (default: one a core)");
        var drain = Setting("--drain-seconds", "how long connections may go on after SIGTERM (default 25)");
        var root = new RootCommand("ambient-node: carries the traffic of this node's enrolled pods");
        foreach (var option in new[] { node, controller, bundle, token, redirector, redirectorFd, admin, adminSocket, loops, drain }) root.Options.Add(option);
        var parsed = root.Parse(args);
        bool isHelp = args.Any(a => a is "--help" or "-h" or "-?" or "--version");
        if (isHelp || parsed.Errors.Count > 0)
        {
            exitStatus = parsed.Invoke() == 0 && parsed.Errors.Count == 0 ? 0 : 2;
            return null;
        }

        var faults = new List<string>();
        string? Value(Option<string?> option) =>
            parsed.GetValue(option) ?? environment("AMBIENT_" + option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant());
        string Required(Option<string?> option)
        {
            string? value = Value(option);
            if (string.IsNullOrWhiteSpace(value)) faults.Add($"{option.Name} is missing: {option.Description}");
            return value ?? "";
        }

        int Number(Option<string?> option, int byDefault, int min, int max)
        {
            string? text = Value(option);
            if (text is null) return byDefault;
            if (int.TryParse(text, out int value) && value >= min && value <= max) return value;
            faults.Add($"{option.Name} takes a number from {min} to {max}, not '{text}'");
            return byDefault;
        }

        IPEndPoint? adminAddress = null;
        string adminText = Value(admin) ?? "[::]:15020";
        if (adminText != "none" && !IPEndPoint.TryParse(adminText, out adminAddress)) faults.Add($"--admin takes ADDRESS:PORT or none, not '{adminText}'");
        string controllerText = Required(controller);
        if (!Uri.TryCreate(controllerText, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
        {
            if (controllerText.Length > 0) faults.Add($"--controller takes https://ADDRESS:PORT, not '{controllerText}'");
            uri = new Uri("https://invalid");
        }

        string? path = Value(redirector);
        string? inherited = Value(redirectorFd);
        if (path is null == inherited is null) faults.Add("give either --redirector or --redirector-fd");
        var options = new NodeOptions
        {
            Node = Required(node),
            Controller = uri,
            Bundle = Required(bundle),
            TokenFile = Required(token),
            Redirector = path,
            RedirectorFd = inherited is null ? null : Number(redirectorFd, 0, 3, 1 << 20),
            Admin = adminAddress,
            AdminSocket = Value(adminSocket),
            Loops = Number(loops, Environment.ProcessorCount, 1, 1024),
            DrainSeconds = Number(drain, 25, 0, 86_400),
        };
        if (options.Bundle.Length > 0 && !File.Exists(options.Bundle)) faults.Add($"--bundle: there is no file {options.Bundle}");
        foreach (string fault in faults) error.WriteLine($"ambient-node: {fault}");
        exitStatus = faults.Count == 0 ? 0 : 2;
        return faults.Count == 0 ? options : null;
    }

    /// <summary>For displays: paths of secret files, never what is in them.</summary>
    public IReadOnlyDictionary<string, string> ForDisplay() => new Dictionary<string, string>
    {
        ["node"] = Node,
        ["controller"] = Controller.ToString(),
        ["bundle"] = Bundle,
        ["token-file"] = TokenFile,
        ["redirector"] = Redirector ?? $"descriptor {RedirectorFd}",
        ["admin"] = Admin?.ToString() ?? "none",
        ["admin-socket"] = AdminSocket ?? "none",
        ["loops"] = Loops.ToString(CultureInfo.InvariantCulture),
        ["drain-seconds"] = DrainSeconds.ToString(CultureInfo.InvariantCulture),
    };

    private static Option<string?> Setting(string name, string description) => new(name) { Description = description };
}
