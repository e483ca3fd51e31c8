using System.Diagnostics;
using System.Net;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>A real Redirector with a NodeProxy that the test plays, pods' namespaces, and the plugin that asks about them.</summary>
internal class PluginWorld : IDisposable
{
    /// <summary>Outside of all pods; whoever is captured does not get there by itself.</summary>
    public static readonly IPAddress Anywhere = IPAddress.Parse("10.200.0.1");

    public PluginWorld()
    {
        Redirector = Run.Start();
        Node = Run.Connect();
        Node.Greet();
    }

    public RedirectorRun Run { get; } = new();

    public PodNet Net { get; } = new();

    public Process Redirector { get; private set; }

    public TestNode Node { get; private set; }

    public Plugin Plugin => new(Run);

    /// <summary>Redirector and NodeProxy both start again.</summary>
    public void Restart()
    {
        Run.Kill(Redirector);
        Node.Dispose();
        Redirector = Run.Start();
        Node = Run.Connect();
        Node.Greet();
    }

    /// <summary>What the pod connects comes to its listener, and it is not being let go of.</summary>
    public void AssertStaysRedirected(Pod pod)
    {
        Wire.Pause(300);   // quiet rules would be in force after some 30
        using var client = pod.Connect(Anywhere, 80);
        Assert.NotNull(client);
        using var waits = Wire.Accept(Node.Listeners[pod.Uid][0]);
        Assert.NotNull(waits);
    }

    public void Dispose()
    {
        Node.Dispose();
        Run.Dispose();
        Net.Dispose();
    }
}
