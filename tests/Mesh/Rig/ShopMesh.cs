using Ambient.Cli.Lab;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>The standard lab with all its namespaces enrolled, shared by the tests of a collection. Started by the first that needs it.</summary>
public sealed class ShopMesh : IAsyncDisposable
{
    /// <summary>Name of the collection.</summary>
    public const string Collection = "the shop's mesh";

    private Lab? _lab;

    /// <summary>The lab, with everything running and enrolled: what a test broke before is put right, as far as that goes.</summary>
    internal async Task<Lab> StartedAsync(params string[] programs)
    {
        Machine.Offers(["ip", "nft", "nsenter", "setpriv", .. programs]);
        if (_lab is null)
        {
            _lab = await Lab.StartAsync(Plans.Standard);
        }
        else
        {
            _lab.Controller.Process.Start();
            foreach (var node in _lab.Nodes)
            {
                node.Redirector.Start();
                node.NodeProxy.Start();
            }
            await Task.WhenAll(_lab.Nodes.Select(node => node.WaitUntilReadyAsync(TimeSpan.FromSeconds(30))));
        }
        await _lab.EnrolAsync("shop", "guarded");
        return _lab;
    }

    /// <summary>What the lab's processes said lately, for a test that failed.</summary>
    internal string Said => _lab?.Log.Tail(20) ?? "";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_lab is not null) await _lab.DisposeAsync();
    }
}

/// <summary>Binds the fixture to the collection.</summary>
[CollectionDefinition(ShopMesh.Collection)]
public sealed class ShopMeshCollection : ICollectionFixture<ShopMesh>;

/// <summary>A test in the shop's mesh. If it fails, its output has what the processes said.</summary>
[Collection(ShopMesh.Collection)]
public abstract class ShopMeshTest(ShopMesh mesh) : IAsyncDisposable
{
    private readonly List<IDisposable> _things = [];

    /// <summary>The lab with everything running and enrolled; skips the test where the machine cannot.</summary>
    private protected Task<Lab> MeshAsync(params string[] programs) => mesh.StartedAsync(programs);

    /// <summary>Disposes of a thing at the end of the test.</summary>
    private protected T Own<T>(T thing)
        where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var thing in _things) thing.Dispose();
        if (TestContext.Current.TestState?.Result == TestResult.Failed) TestContext.Current.TestOutputHelper?.WriteLine(mesh.Said);
        await EndAsync();
    }

    /// <summary>What else is to be ended.</summary>
    private protected virtual ValueTask EndAsync() => ValueTask.CompletedTask;
}
