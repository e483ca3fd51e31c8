using System.Runtime.InteropServices;

namespace Ambient.Cli.Commands;

/// <summary>Turns Ctrl-C, kill and a closed terminal into a cancellation, so that a command ends in its own way.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignal()
    {
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            Received = signal;
            _source.Cancel();
        }))];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The signal that came; null if none did.</summary>
    public PosixSignal? Received { get; private set; }

    /// <summary>What a process that was ended by a signal ends with, 128 + n; null if none came.</summary>
    public int? ExitStatus => Received switch
    {
        PosixSignal.SIGHUP => 129,
        PosixSignal.SIGINT => 130,
        PosixSignal.SIGTERM => 143,
        _ => null,
    };

    /// <summary>Cancels after a time as well.</summary>
    public void After(TimeSpan time) => _source.CancelAfter(time);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }
}
