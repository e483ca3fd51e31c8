using System.Diagnostics;

namespace Ambient.Cli.Lab;

/// <summary>Waits for conditions, never for a time.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks again and again until nothing is missing any more.</summary>
    /// <param name="what">What is waited for, for the message: "n1 is ready".</param>
    /// <param name="missing">Null when it is there, else what is missing. An exception counts as missing.</param>
    /// <param name="log">Shown when it does not come.</param>
    /// <exception cref="LabException">It did not come in time.</exception>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> UntilAsync(string what, TimeSpan atMost, LabLog log, Func<Task<string?>> missing)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            string? still;
            try
            {
                still = await missing();
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException or System.Net.Sockets.SocketException)
            {
                still = fault.InnerException?.Message ?? fault.Message;
            }
            var waited = Stopwatch.GetElapsedTime(began);
            if (still is null) return waited;
            if (waited > atMost) throw new LabException($"Waited {waited.TotalSeconds:0.0} s in vain until {what}: {still}\n{log.Tail()}");
            await Task.Delay(Step);
        }
    }
}
