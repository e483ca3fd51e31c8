using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Ambient.Controller.Kubernetes;
using Ambient.Controller.Kubernetes.Decoding;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>The bytes of a list or watch as objects, in whatever pieces they come.</summary>
public sealed class DecodingTests
{
    private const string Page = """
        {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"77","continue":"next"},"items":[
          {"metadata":{"name":"web","namespace":"shop","uid":"3f0c9f6e-0000-4000-8000-000000000001","resourceVersion":"5","labels":{"app":"w\u0065b","a/b":"é"},
             "annotations":{"ambient.mesh/mode":"STRICT","other":"{\"deep\":[1,2,{\"x\":null}]}"},"managedFields":[{"manager":"kubelet","fieldsV1":{"f:metadata":{}}}]},
           "spec":{"nodeName":"n1","volumes":[{"name":"v","secret":{}}],"containers":[{"name":"c","env":[{"name":"A","value":"B"}],"ports":[{"name":"http","containerPort":8080}]}]},
           "status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}],"containerStatuses":[{"image":"x"}]}},
          {"metadata":{"name":"db","namespace":"shop","uid":"3f0c9f6e-0000-4000-8000-000000000002","resourceVersion":"6"},"spec":{"nodeName":"n2","containers":[{"name":"c"}]},"status":{}}
        ]}
        """;

    private static FollowedKind Pods => KindCatalog.Core.Single(kind => kind.Kind == "Pod");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(100_000)]
    public async Task A_list_reads_the_same_in_pieces_of_any_size(int pieceBytes)
    {
        var items = new List<DecodedObject>();
        var reader = new ListReader(Decoder(Pods), items.Add);
        await ReadAsync(Page, pieceBytes, reader.ReadPiece);

        Assert.True(reader.IsComplete);
        Assert.Equal(("77", "next"), (reader.Version, reader.Continue));
        Assert.Equal(["5 shop/web", "6 shop/db"], items.Select(i => $"{i.Version} {i.Namespace}/{i.Name}"));
        var pod = Assert.IsType<PodObject>(ObjectReading.Read(Pods, items[0]));
        Assert.Equal("10.0.0.1 fd00::1", string.Join(' ', pod.Addresses));
        Assert.Equal("a/b=é app=web", string.Join(' ', pod.Labels.OrderBy(l => l.Key).Select(l => $"{l.Key}={l.Value}")));
        Assert.Equal("ambient.mesh/mode", Assert.Single(pod.Annotations.Keys));
        Assert.Equal(8080, pod.NamedPorts["http"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100_000)]
    public async Task A_watch_reads_the_same_in_pieces_of_any_size(int pieceBytes)
    {
        const string events = """
            {"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"8","uid":"u"}}}
            {"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9","creationTimestamp":null},"spec":{"containers":null},"status":{}}}
            {"type":"DELETED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"10"}}}
            {"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}}

            """;
        var told = new List<string>();
        var reader = new WatchReader(Decoder(Pods), happened =>
        {
            told.Add($"{happened.Kind} {happened.Object.Name} {happened.Object.Version} {happened.Error.Code}");
            return true;
        });
        await ReadAsync(events, pieceBytes, reader.ReadPiece);
        Assert.Equal(["Added a 8 0", "Bookmark  9 0", "Deleted a 10 0", "Error   410"], told);
    }

    [Fact]
    public void Only_kept_fields_decide_whether_an_object_is_another()
    {
        var before = Decode("""{"metadata":{"name":"a","namespace":"n","resourceVersion":"1","labels":{"a":"b"}},"status":{"phase":"Running","hostIP":"1.2.3.4"}}""");
        var same = Decode("""{"metadata":{"name":"a","namespace":"n","resourceVersion":"2","labels":{"a":"b"},"managedFields":[1]},"status":{"phase":"Running","hostIP":"4.3.2.1"}}""");
        var other = Decode("""{"metadata":{"name":"a","namespace":"n","resourceVersion":"3","labels":{"a":"c"}},"status":{"phase":"Running"}}""");
        Assert.Equal(before.Digest, same.Digest);
        Assert.NotEqual(before.Digest, other.Digest);
        // What is in a text never reads as what is between texts.
        Assert.NotEqual(Decode("""{"metadata":{"labels":{"a":"b","c":"d"}}}""").Digest, Decode("""{"metadata":{"labels":{"a":"b\"c\"d"}}}""").Digest);
        Assert.NotEqual(Decode("""{"metadata":{"name":"ab"}}""").Digest, Decode("""{"metadata":{"nameab":""}}""").Digest);

        static DecodedObject Decode(string json)
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            reader.Read();
            return Decoder(Pods).Read(ref reader);
        }
    }

    [Fact]
    public void A_field_of_a_policy_that_nobody_knows_is_met_wherever_it_is()
    {
        var kind = KindCatalog.Installable.Single(k => k.Kind == "AccessPolicy");
        foreach (var (spec, top, isGood) in new[] { ("\"action\":\"DENY\",\"rules\":[{}]", "", true), ("\"resourceVersion\":\"1\"", "", false), ("\"managedFields\":[]", "", false), ("\"rules\":[]", ",\"rulez\":[]", false) })
        {
            var json = $$"""{"apiVersion":"ambient.mesh/v1alpha1","kind":"AccessPolicy","metadata":{"name":"p","namespace":"n","resourceVersion":"1","managedFields":[],"generation":4},"spec":{{{spec}}}{{top}},"status":{"conditions":[]} }""";
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            reader.Read();
            var policy = Assert.IsType<AccessPolicyObject>(ObjectReading.Read(kind, new ObjectDecoder("ambient.mesh/v1alpha1", "AccessPolicy", kind.Shape).Read(ref reader)));
            Assert.True(isGood == policy.Unenforceable is null, $"{json}: {policy.Unenforceable}");
        }
    }

    [Fact]
    public async Task An_object_nested_without_end_is_named_and_those_behind_it_are_read()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000);
        var page = $$"""{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"deep","namespace":"n","resourceVersion":"4"},"spec":{{deep}} },{"metadata":{"name":"flat","namespace":"n"},"spec":{"rules":[{}] } } ]}""";
        var items = new List<DecodedObject>();
        var kind = KindCatalog.Installable.Single(k => k.Kind == "AccessPolicy");
        var reader = new ListReader(new ObjectDecoder("ambient.mesh/v1alpha1", "AccessPolicy", kind.Shape), items.Add);
        await ReadAsync(page, 1000, reader.ReadPiece);
        Assert.Equal(["deep", "flat"], items.Select(i => i.Name));
        Assert.Contains("levels of nesting", items[0].Fault);
        Assert.Null(items[1].Fault);
    }

    [Theory]
    [InlineData("""{"items":[{"metadata":{"name":"a"}}""")]
    [InlineData("""{"type":"ADDED","obj""")]
    [InlineData("""{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}},""")]
    public async Task What_breaks_off_is_an_error_and_no_end(string text)
    {
        var list = new ListReader(Decoder(Pods), _ => { });
        var watch = new WatchReader(Decoder(Pods), _ => true);
        var broke = await Record.ExceptionAsync(() => ReadAsync(text, 10, text.Contains("type") ? watch.ReadPiece : list.ReadPiece));
        Assert.True(broke is IOException || (broke is null && text.Contains("items") && !list.IsComplete), $"{broke}");
    }

    [Fact]
    public async Task Changed_bytes_are_read_or_refused_and_never_anything_else()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var good = Encoding.UTF8.GetBytes(Page);
        for (var i = 0; i < 3000; i++)
        {
            var bytes = good.ToArray();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var reader = new ListReader(Decoder(Pods), item =>
            {
                try
                {
                    if (item.Fault is null)
                        ObjectReading.Read(Pods, item);
                }
                catch (YamlFaultException)
                {
                    // A fault with a reason.
                }
            });
            try
            {
                await using var input = new JsonInput(new MemoryStream(bytes), TimeSpan.FromSeconds(10));
                await input.ReadAsync(reader.ReadPiece, CancellationToken.None);
            }
            catch (Exception e) when (e is JsonException or IOException || (e is InvalidOperationException && e.Message.Contains("UTF-8")))
            {
                // Refused: Follower knows these.
            }
        }
    }

    internal static ObjectDecoder Decoder(FollowedKind kind) => new("v1", kind.Kind, kind.Shape);

    private static async Task ReadAsync(string text, int pieceBytes, JsonInput.Piece read)
    {
        await using var input = new JsonInput(new Dribble(Encoding.UTF8.GetBytes(text), pieceBytes), TimeSpan.FromSeconds(10));
        await input.ReadAsync(read, CancellationToken.None);
    }

    private sealed class Dribble(byte[] content, int pieceBytes) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, pieceBytes)], cancellationToken);
    }
}
