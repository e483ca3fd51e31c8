namespace Ambient.Native.Processes;

/// <summary>Whether something keeps the machine's clock right. Source: adjtimex(2).</summary>
public static class ClockDiscipline
{
    private const int TimeError = 5; // TIME_ERROR: STA_UNSYNC is set, or the clock cannot be trusted otherwise

    /// <summary>Asks the kernel, without changing anything.</summary>
    /// <returns>Null where it does not tell, as in some sandboxes.</returns>
    public static unsafe bool? IsSynchronized()
    {
        // struct timex: 208 bytes on 64-bit machines. Its first field, modes, is 0: a question only.
        byte* timex = stackalloc byte[512];
        new Span<byte>(timex, 512).Clear();
        // SAFETY: the structure is on this stack frame and larger than the kernel's.
        int state = ProcessImports.AdjustTime(timex);
        return state < 0 ? null : state != TimeError;
    }
}
