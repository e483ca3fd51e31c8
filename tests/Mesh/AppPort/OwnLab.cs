using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.AppPort;

/// <summary>A lab of one class of tests, with tunnels on the app's own port. Started by the first test that needs it.</summary>
public abstract class OwnLab : IAsyncDisposable
{
    private Lab? _lab;

    /// <summary>What the lab's processes said lately.</summary>
    internal string Said => _lab?.Log.Tail(20) ?? "";

    private protected abstract LabPlan Plan { get; }

    /// <summary>The lab with namespace <c>shop</c> enrolled; skips the test where the machine cannot.</summary>
    internal async Task<Lab> StartedAsync(params string[] programs)
    {
        Machine.Offers(["ip", "nft", "nsenter", "setpriv", .. programs]);
        if (_lab is not null) return _lab;
        var lab = await Lab.StartAsync(Plan);
        await lab.EnrolAsync("shop");
        return _lab = lab;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_lab is not null) await _lab.DisposeAsync();
    }
}
