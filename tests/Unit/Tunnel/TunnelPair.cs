using System.Net;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Tests.Unit.Engine;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>Two links joined in memory on one loop: a client and a server that accepts what it is asked.</summary>
internal sealed class TunnelPair : IAsyncDisposable
{
    public const string Target = "10.244.2.11:8080";

    private TunnelPair(TestLoop loop) => Loop = loop;

    public TestLoop Loop { get; }

    public Link Client { get; private set; } = null!;

    public Link Server { get; private set; } = null!;

    public MemoryConnection ClientSide { get; private set; } = null!;

    public MemoryConnection ServerSide { get; private set; } = null!;

    public ClientOwner ClientEvents { get; } = new();

    public ServerOwner ServerEvents { get; } = new();

    public WindowBudget ServerBudget { get; private set; } = null!;

    public static async Task<TunnelPair> Start(
        int pieceBytes = int.MaxValue, LinkOptions? options = null, long budgetBytes = 64 << 20, Action<Link>? whenThereIsRoom = null)
    {
        var pair = new TunnelPair(new TestLoop());
        pair.ClientEvents.Capacity = whenThereIsRoom;
        await pair.Loop.Run(() =>
        {
            (pair.ClientSide, pair.ServerSide) = MemoryConnection.Pair(pair.Loop.Loop, pieceBytes);
            pair.ServerBudget = new WindowBudget(budgetBytes);
            pair.Client = Link.Start(pair.ClientSide, false, pair.ClientEvents, options ?? new LinkOptions(), new WindowBudget(budgetBytes));
            pair.Server = Link.Start(pair.ServerSide, true, pair.ServerEvents, options ?? new LinkOptions(), pair.ServerBudget);
        });
        return pair;
    }

    /// <summary>Opens a stream and puts an app at each end.</summary>
    public async Task<(ScriptedApp Client, ScriptedApp Server)> Open(bool serverReads = true)
    {
        var opener = new Opener();
        int before = await Loop.Run(() => ServerEvents.Requests.Count);
        await Loop.Run(() => Client.Open(new ConnectRequest(IPEndPoint.Parse(Target), IPEndPoint.Parse("10.244.1.11:40000"), null), opener));
        await Loop.Until(() => ServerEvents.Requests.Count > before, "the request");
        var server = await Loop.Run(() =>
        {
            var stream = ServerEvents.Requests[before].Stream;
            stream.Accept();
            return new ScriptedApp(stream, serverReads);
        });
        await Loop.Until(() => opener.Opened is not null, "the answer");
        return (await Loop.Run(() => new ScriptedApp(opener.Opened!)), server);
    }

    public async Task<Opener> Ask()
    {
        var opener = new Opener();
        await Loop.Run(() => Client.Open(new ConnectRequest(IPEndPoint.Parse(Target), IPEndPoint.Parse("10.244.1.11:40000"), "k8s.namespace.name=shop"), opener));
        return opener;
    }

    public async ValueTask DisposeAsync()
    {
        await Loop.Run(() =>
        {
            Client.Abort(ConnectionFault.Ended, "the test is over");
            Server.Abort(ConnectionFault.Ended, "the test is over");
        });
        long granted = await Loop.Run(() => ServerBudget.GrantedBytes);
        await Loop.DisposeAsync();
        Assert.Equal(0, granted);
    }

    internal sealed class Opener : IStreamOpener
    {
        public TunnelStream? Opened { get; private set; }

        public (int Status, string Reason)? Refused { get; private set; }

        public bool? FailedUnprocessed { get; private set; }

        public void OnOpened(TunnelStream stream) => Opened = stream;

        public void OnRefused(TunnelStream stream, int status, string reason) => Refused = (status, reason);

        public void OnOpenFailed(TunnelStream stream, bool isUnprocessed) => FailedUnprocessed = isUnprocessed;
    }

    internal sealed class ClientOwner : ILinkOwner
    {
        public string? Ended { get; private set; }

        public bool Drains { get; private set; }

        public void OnRequest(Link link, TunnelStream stream, HeaderList headers) => throw new InvalidOperationException("a server asked");

        public void OnDraining(Link link) => Drains = true;

        public Action<Link>? Capacity { get; set; }

        public void OnCapacity(Link link) => Capacity?.Invoke(link);

        public List<(RefusalReason Reason, string Detail)> Faults { get; } = [];

        public void OnFault(Link link, RefusalReason reason, string detail) => Faults.Add((reason, detail));

        public void OnEnded(Link link, string reason) => Ended = reason;
    }

    internal sealed class ServerOwner : ILinkOwner
    {
        public List<(TunnelStream Stream, string Authority)> Requests { get; } = [];

        public List<(RefusalReason Reason, string Detail)> Faults { get; } = [];

        public void OnFault(Link link, RefusalReason reason, string detail) => Faults.Add((reason, detail));

        public string? Ended { get; private set; }

        public bool RefuseAll { get; set; }

        public void OnRequest(Link link, TunnelStream stream, HeaderList headers)
        {
            if (RefuseAll)
            {
                stream.Refuse(401, "denied by AccessPolicy shop/api rule 2");
                return;
            }

            bool isConnect = ConnectHeaders.TryReadRequest(headers, out string authority, out string fault);
            Requests.Add((stream, isConnect ? authority : fault));
        }

        public void OnDraining(Link link)
        {
        }

        public void OnCapacity(Link link)
        {
        }

        public void OnEnded(Link link, string reason) => Ended = reason;
    }
}
