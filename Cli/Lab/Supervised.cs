namespace Ambient.Cli.Lab;

/// <summary>One of the mesh's processes, which can be started, killed, ended and replaced, and comes back by itself when asked to.</summary>
/// <param name="name">For people and the log.</param>
/// <param name="launch">Starts it.</param>
internal sealed class Supervised(string name, Func<LabProcess> launch)
{
    private readonly Lock _lock = new();
    private readonly List<LabProcess> _leaving = [];
    private LabProcess? _current;
    private bool _isWanted;

    /// <summary>For people and the log.</summary>
    public string Name => name;

    /// <summary>Start it again as soon as it ends without having been told to, as service managers do.</summary>
    public bool ComesBack { get; set; }

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>Whether it runs.</summary>
    public bool IsRunning => Current is { Ended.IsCompleted: false };

    /// <summary>The process that was started last; null before the first.</summary>
    public LabProcess? Current
    {
        get { lock (_lock) return _current; }
    }

    /// <summary>Starts it if it does not run.</summary>
    public void Start()
    {
        lock (_lock)
        {
            _isWanted = true;
            if (_current is not { Ended.IsCompleted: false }) LaunchUnsynchronized();
        }
    }

    /// <summary>Starts another one beside the one that runs; from here on the other one is the process.</summary>
    /// <returns>The one before, which is the caller's to end; null if none ran.</returns>
    public LabProcess? StartBeside()
    {
        lock (_lock)
        {
            var before = _current is { Ended.IsCompleted: false } running ? running : null;
            _isWanted = true;
            LaunchUnsynchronized();
            if (before is not null) _leaving.Add(before);
            return before;
        }
    }

    /// <summary>Kills it and all that were replaced and have not ended yet.</summary>
    public async Task KillAllAsync()
    {
        LabProcess[] leaving;
        lock (_lock) leaving = [.. _leaving];
        await Task.WhenAll([KillAsync(), .. leaving.Select(process => process.KillAsync())]);
    }

    /// <summary>kill -9, and waits for its end. It comes back if it is to.</summary>
    public Task KillAsync()
    {
        LabProcess? process;
        lock (_lock)
        {
            _isWanted &= ComesBack;
            process = _current;
        }
        return process?.KillAsync() ?? Task.CompletedTask;
    }

    /// <summary>Asks it to end and waits for that; it stays away.</summary>
    /// <returns>Its exit status.</returns>
    public Task<int> StopAsync(TimeSpan? patience = null)
    {
        LabProcess? process;
        lock (_lock)
        {
            _isWanted = false;
            process = _current;
        }
        return process?.TerminateAsync(patience) ?? Task.FromResult(0);
    }

    private void LaunchUnsynchronized()
    {
        var process = launch();
        _current = process;
        Starts++;
        _ = BringBackAsync(process);
    }

    private async Task BringBackAsync(LabProcess process)
    {
        await process.Ended;
        lock (_lock)
        {
            if (_isWanted && ComesBack && _current == process) LaunchUnsynchronized();
        }
    }
}
