using Ambient.Redirector.Capture;
using Ambient.Redirector.Orders;

namespace Ambient.Tests.Unit.Redirector;

public sealed class CaptureLedgerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ledger").FullName;

    [Fact]
    public void Records_come_back_after_a_restart_and_are_void_after_a_reboot()
    {
        var ledger = new CaptureLedger(new StateDirectory(_folder));
        var record = new CaptureRecord("boot-1", ulong.MaxValue, [1, 2, 3], null, 7, true, 1234);
        ledger.Put("uid/../with\nodd characters", record);
        ledger.Put("other", record with { LooseBefore = 1, IsQuiet = false });
        ledger.Put("gone", record);
        ledger.Remove("gone");
        File.WriteAllText(Path.Combine(_folder, "half"), "{");

        var loaded = new CaptureLedger(new StateDirectory(_folder)).Load("boot-1");
        Assert.Equal(2, loaded.Count);
        var first = loaded.Single(r => r.IsQuiet);
        Assert.Equal(record with { Pod = first.Pod }, first);
        Assert.Equal(record.Pod, first.Pod);
        Assert.Equal(1, loaded.Single(r => !r.IsQuiet).LooseBefore);
        Assert.Empty(new CaptureLedger(new StateDirectory(_folder)).Load("boot-2"));
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
