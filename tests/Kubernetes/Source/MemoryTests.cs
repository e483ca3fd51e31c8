using System.Diagnostics;
using System.Text;
using Ambient.Controller.Kubernetes;
using Ambient.Controller.Kubernetes.Decoding;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Sources;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>What the source holds of a large cluster. Alone, since it reads the process's memory.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class MemoryTests
{
    private const int Pods = 100_000;
    // Measured 669 bytes on .NET 10; the bound is what docs/decisions/0015-kubernetes-source.md states.
    private const int BoundBytes = 1200;

    // Measured 12,700 for 7 KB of JSON: its strings, and buffers. A tree of it beside that would be beyond.
    private const int ShortLivedBytes = 25_000;

    [Fact]
    public async Task A_watched_pod_takes_a_bounded_amount_of_memory()
    {
        var kind = KindCatalog.Core.Single(k => k.Kind == "Pod");
        var table = new ObjectTable(kind, item => ObjectReading.Read(kind, item), (_, _) => { }, new FollowTally(TimeProvider.System), new Lock());
        // What making the list costs is not what reading it does.
        var (made, madeBytes) = await MakeOnlyAsync();
        var before = Settled();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var (watch, bytes) = (Stopwatch.StartNew(), 0L);
        await FillAsync();
        var took = watch.Elapsed - made;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated - madeBytes;
        var each = (Settled() - before) / Pods;

        TestContext.Current.TestOutputHelper?.WriteLine($"{each} bytes a pod of {bytes / Pods} as JSON (bound {BoundBytes}); read in {took.TotalSeconds:0.00} s, {took.TotalMicroseconds / Pods:0} µs and {allocated / Pods} bytes of short life a pod");
        Assert.Equal(Pods, table.ObjectsLocked.Count());
        Assert.InRange(each, 0, BoundBytes);
        Assert.InRange(allocated / Pods, 0, ShortLivedBytes);

        async Task FillAsync()
        {
            var page = new ListReader(DecodingTests.Decoder(kind), table.Listed);
            await using var stream = new PodList();
            await using var input = new JsonInput(stream, TimeSpan.FromMinutes(1));
            await input.ReadAsync(page.ReadPiece, CancellationToken.None);
            table.EndList();
            bytes = stream.Written;
        }
    }

    private static async Task<(TimeSpan, long)> MakeOnlyAsync()
    {
        var (watch, allocated) = (Stopwatch.StartNew(), GC.GetTotalAllocatedBytes(precise: true));
        await using var stream = new PodList();
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer) > 0)
        {
            // Nothing is made of it.
        }
        return (watch.Elapsed, GC.GetTotalAllocatedBytes(precise: true) - allocated);
    }

    private static long Settled()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    // A list as a real server writes it, made as it is read: 7 KB a pod, most of which is not for us.
    private sealed class PodList : Stream
    {
        private int _next = -1;
        private ReadOnlyMemory<byte> _rest;

        internal long Written { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_rest.Length == 0)
            {
                _rest = Encoding.UTF8.GetBytes(_next < 0 ? "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" : _next < Pods ? (_next > 0 ? "," : "") + Pod(_next) : _next == Pods ? "]}" : "");
                _next++;
            }
            var length = Math.Min(buffer.Length, _rest.Length);
            _rest[..length].CopyTo(buffer);
            // No copy: what the reader makes of it is measured.
            _rest = _rest[length..];
            Written += length;
            return ValueTask.FromResult(length);
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private static string Pod(int i)
        {
            var (app, ns) = ($"service-{i / 10}", $"team-{i / 500}");
            var noise = string.Join(',', Enumerable.Range(0, 40).Select(n => $"{{\"name\":\"VARIABLE_{n}\",\"valueFrom\":{{\"secretKeyRef\":{{\"name\":\"some-secret-{n}\",\"key\":\"value\"}}}}}}"));
            var managed = string.Join(',', Enumerable.Range(0, 40).Select(n => $"\"f:field-{n}\":{{\".\":{{}},\"f:name\":{{}}}}"));
            return $$$"""
                {"metadata":{"name":"{{{app}}}-7d9c8b6f5-{{{i:x5}}}","generateName":"{{{app}}}-7d9c8b6f5-","namespace":"{{{ns}}}","uid":"{{{new Guid(i, 7, 9, 1, 2, 3, 4, 5, 6, 7, 8)}}}","resourceVersion":"{{{i + 1000}}}",
                "creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app.kubernetes.io/name":"{{{app}}}","app.kubernetes.io/part-of":"{{{ns}}}","pod-template-hash":"7d9c8b6f5","version":"v1"},
                "annotations":{"prometheus.io/scrape":"true","kubectl.kubernetes.io/restartedAt":"2026-01-01T00:00:00Z"},
                "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{{{app}}}-7d9c8b6f5","uid":"{{{Guid.Empty}}}","controller":true,"blockOwnerDeletion":true}],
                "managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{{{managed}}}}}]},
                "spec":{"volumes":[{"name":"kube-api-access-x","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}}]}}],
                "containers":[{"name":"app","image":"registry.example/{{{app}}}:v1","env":[{{{noise}}}],"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},{"name":"metrics","containerPort":9090,"protocol":"TCP"}],
                "livenessProbe":{"httpGet":{"path":"/live","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10},"readinessProbe":{"httpGet":{"path":"/ready","port":"http","scheme":"HTTP"},"timeoutSeconds":1}}],
                "restartPolicy":"Always","serviceAccountName":"{{{app}}}","nodeName":"node-{{{i % 5000}}}"},
                "status":{"phase":"Running","conditions":[{"type":"Initialized","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}],
                "hostIP":"192.168.0.1","podIP":"10.{{{i / 65536}}}.{{{i / 256 % 256}}}.{{{i % 256}}}","podIPs":[{"ip":"10.{{{i / 65536}}}.{{{i / 256 % 256}}}.{{{i % 256}}}"}],"startTime":"2026-01-01T00:00:00Z",
                "containerStatuses":[{"name":"app","state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}},"ready":true,"restartCount":0,"image":"registry.example/{{{app}}}:v1","imageID":"sha256:0123456789"}]}}
                """;
        }
    }
}
