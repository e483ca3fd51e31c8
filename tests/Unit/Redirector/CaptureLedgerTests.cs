using Ambient.Redirector.Capture;
using Ambient.Redirector.Orders;
using Ambient.Redirector.Rules;

namespace Ambient.Tests.Unit.Redirector;

public sealed class CaptureLedgerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ledger").FullName;

    [Fact]
    public void Records_come_back_after_a_restart_and_are_void_after_a_reboot()
    {
        var ledger = new CaptureLedger(new StateDirectory(_folder));
        var record = new CaptureRecord("boot-1", ulong.MaxValue, [1, 2, 3], new PodSettings(null, 0), 7, true, 1234);
        Assert.True(ledger.TryPut("uid/../with\nodd characters", record, out _));
        Assert.True(ledger.TryPut("other", record with { SettingsBefore = new PodSettings(1, 0), IsQuiet = false }, out _));
        Assert.True(ledger.TryPut("gone", record, out _));
        ledger.Remove("gone");
        File.WriteAllText(Path.Combine(_folder, "half"), "{");

        var loaded = new CaptureLedger(new StateDirectory(_folder)).Load("boot-1");
        Assert.Equal(2, loaded.Count);
        var first = loaded.Single(r => r.IsQuiet);
        Assert.Equal(record with { Pod = first.Pod }, first);
        Assert.Equal(record.Pod, first.Pod);
        Assert.Equal(new PodSettings(1, 0), loaded.Single(r => !r.IsQuiet).SettingsBefore);
        Assert.Empty(new CaptureLedger(new StateDirectory(_folder)).Load("boot-2"));
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void A_record_that_cannot_be_written_is_a_fault_and_no_crash()
    {
        var ledger = new CaptureLedger(new StateDirectory(Path.Combine(_folder, "x")));
        Directory.Delete(Path.Combine(_folder, "x"));
        Assert.False(ledger.TryPut("a", new CaptureRecord("b", 1, [], new PodSettings(null, null), 0, false, 0), out string fault));
        Assert.NotEmpty(fault);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
