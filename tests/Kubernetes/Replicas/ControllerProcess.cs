using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>A real ambient-controller on a cluster, as a process of its own, which can be killed.</summary>
internal sealed partial class ControllerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _log = [];

    private ControllerProcess(Process process, IPEndPoint admin)
    {
        _process = process;
        Admin = admin;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_lock)
                _log.Add(line.Data ?? "");
        };
        process.BeginErrorReadLine();
    }

    /// <summary>Where nodes connect.</summary>
    internal IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    internal IPEndPoint Admin { get; }

    internal string[] Log
    {
        get { lock (_lock) return [.. _log]; }
    }

    internal static async Task<ControllerProcess> StartAsync(string kubeconfig, string ns)
    {
        var admin = new IPEndPoint(IPAddress.Loopback, FreePort());
        var controller = new ControllerProcess(Start("--source", "kubernetes", "--kubeconfig", kubeconfig, "--namespace", ns,
            "--listen", "127.0.0.1:0", "--admin", $"{admin}"), admin);
        Match? serving = null;
        Assert.True(await Cluster.Eventually.TrueAsync(() => (serving = controller.Log.Select(l => Serving().Match(l)).FirstOrDefault(m => m.Success)) is not null,
            TimeSpan.FromSeconds(60)), $"it does not serve:\n{string.Join('\n', controller.Log)}");
        controller.EndPoint = IPEndPoint.Parse(serving!.Groups[1].Value);
        return controller;
    }

    /// <summary>Runs a command to its end.</summary>
    internal static async Task<(int Status, string Said)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said);
    }

    /// <summary>Ends it without a word (SIGKILL).</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ambient-controller"), arguments)
    {
        RedirectStandardError = true,
        Environment = { ["DOTNET_gcServer"] = "0" },
    })!;

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    [GeneratedRegex(@"Serving nodes on (127\.0\.0\.1:\d+)")]
    private static partial Regex Serving();
}
