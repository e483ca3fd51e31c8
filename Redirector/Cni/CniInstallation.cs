using System.Globalization;
using Ambient.Native.Processes;
using Ambient.Protocol.Cni;
using Ambient.Redirector.Loop;
using Microsoft.Extensions.Logging;

namespace Ambient.Redirector.Cni;

/// <summary>
/// Keeps the CNI plugin installed and chained: at the start, whenever something in the folder of networks changes (another CNI writes its
/// own file anew), and now and then, since changes may go unnoticed. The plugin knows how; here is when. Owned by the loop.
/// </summary>
internal sealed class CniInstallation : IDisposable
{
    // Somebody who writes a file does it in several steps.
    private static readonly TimeSpan _settle = TimeSpan.FromMilliseconds(200), _settledAtMost = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _sweep = TimeSpan.FromSeconds(30), _atMost = TimeSpan.FromSeconds(10);

    private readonly EventLoop _loop;
    private readonly NamespaceWorkers _workers;
    private readonly string _plugin;
    private readonly string[] _arguments;
    private readonly string _folder;
    private readonly Settling _settling;
    private readonly Counters _counters;
    private readonly ILogger _log;
    private FileSystemWatcher? _watcher;
    private LoopTimer? _next;
    private bool _isBusy, _isWanted, _isEnded;
    private string _failure = "";

    public CniInstallation(EventLoop loop, NamespaceWorkers workers, RedirectorOptions options, Counters counters, ILogger log)
    {
        (_loop, _workers, _plugin, _folder, _counters, _log) = (loop, workers, options.CniPlugin!, options.CniNetworks, counters, log);
        _settling = new Settling(loop.Time, _settle, _settledAtMost);
        _arguments =
        [
            "install", "--bin-dir", options.CniBinaries, "--conf-dir", options.CniNetworks, "--excluded-namespaces", string.Join(',', options.ExcludedNamespaces.Order(StringComparer.Ordinal)),
            "--socket", options.CniSocketPath!, "--enrolled-file", Path.Combine(options.StateDirectory, EnrolledList.FileName),
            "--strict-boot", options.StrictBootSeconds.ToString(CultureInfo.InvariantCulture),
        ];
        Install();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isEnded = true;
        _next?.Cancel();
        _watcher?.Dispose();
    }

    private void Install()
    {
        if (_isEnded)
            return;
        _isWanted = _isBusy;
        if (_isBusy)
            return;
        _isBusy = true;
        _next?.Cancel();
        _settling.OnLook();
        Watch();
        _workers.Run(WorkPriority.Enrol, _ => Run(), OnRun);
    }

    private void OnRun((bool IsOk, string Text) outcome)
    {
        _isBusy = false;
        if (outcome.IsOk && outcome.Text.Length > 0)
        {
            _counters.Add(CounterNames.CniChained);
            _log.CniInstalled(outcome.Text);
        }
        else if (!outcome.IsOk && outcome.Text != _failure)
        {
            _log.CniNotInstalled(outcome.Text);
        }
        _failure = outcome.IsOk ? "" : outcome.Text;
        // What changed meanwhile has its time already.
        if (!_isEnded && _next is not { IsCancelled: false })
            _next = _loop.After(_isWanted ? _settle : _sweep, Install);
    }

    private (bool IsOk, string Text) Run()
    {
        try
        {
            var result = ChildProcess.Run(_plugin, _arguments, [], _atMost, _loop.Time);
            string text = (result.IsOk ? result.Output : result.IsTimedOut ? "it does not end" : result.Error).Trim().ReplaceLineEndings("; ");
            return (result.IsOk, text);
        }
        catch (IOException e)
        {
            return (false, e.Message);
        }
    }

    // The folder may not be there before the cluster's own CNI is; the sweep finds it then.
    private void Watch()
    {
        if (_watcher is not null || !Directory.Exists(_folder))
            return;
        try
        {
            _watcher = new FileSystemWatcher(_folder) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite };
            _watcher.Changed += (_, _) => OnChange();
            _watcher.Created += (_, _) => OnChange();
            _watcher.Deleted += (_, _) => OnChange();
            _watcher.Renamed += (_, _) => OnChange();
            _watcher.EnableRaisingEvents = true;
        }
        catch (IOException e)
        {
            // Out of watches: the sweep goes on.
            _log.CniNotInstalled($"{_folder} cannot be watched: {e.Message}");
        }
    }

    // On a thread of the watcher's.
    private void OnChange() => _loop.Post(() =>
    {
        _next?.Cancel();
        _next = _loop.After(_settling.OnChange(), Install);
    });
}
