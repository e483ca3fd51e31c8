using System.Text;
using System.Text.RegularExpressions;
using Ambient.NodeProxy.Inbound.Probes;
using Ambient.Tests.Unit.Http2;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>The minimal parser of a probe's request.</summary>
public sealed partial class HttpProbeHeadTests
{
    private const string Kubelet = "GET /healthz?full=1 HTTP/1.1\r\nHost: 10.244.1.11:8080\r\nUser-Agent: kube-probe/1.33\r\nAccept: */*\r\nConnection: close\r\n\r\n";

    [Fact]
    public void What_kubelet_sends_is_read_and_goes_on_with_the_connection_to_be_closed()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(Kubelet);
        Assert.Equal(HttpHeadOutcome.Read, HttpProbeHead.TryRead(bytes, out var head));
        Assert.Equal("GET", Encoding.ASCII.GetString(bytes[head.Method]));
        Assert.Equal("/healthz?full=1", Encoding.ASCII.GetString(bytes[head.Target]));
        Assert.Equal(bytes.Length, head.Bytes);
        Assert.Equal(Kubelet, Encoding.ASCII.GetString(head.WithClose(bytes)));
    }

    [Theory]
    [InlineData("Connection: keep-alive\r\n")]
    [InlineData("connection:keep-alive, x\r\nKeep-Alive: timeout=5\r\n")]
    [InlineData("")]
    public void Whatever_it_says_about_the_connection_is_replaced(string field)
    {
        byte[] bytes = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: a\r\n{field}Accept: */*\r\n\r\n");
        Assert.Equal(HttpHeadOutcome.Read, HttpProbeHead.TryRead(bytes, out var head));
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: close\r\n\r\n", Encoding.ASCII.GetString(head.WithClose(bytes)));
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")]
    [InlineData("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET * HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("G\tT / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n")]
    [InlineData("\u0001\u0002")]
    public void What_two_parsers_may_read_in_two_ways_is_refused(string text) =>
        Assert.Equal(HttpHeadOutcome.Bad, HttpProbeHead.TryRead(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void Every_prefix_needs_more_and_what_follows_is_not_its_own()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(Kubelet);
        for (int length = 0; length < bytes.Length; length++) Assert.Equal(HttpHeadOutcome.NeedMore, HttpProbeHead.TryRead(bytes.AsSpan(0, length), out _));
        Assert.Equal(HttpHeadOutcome.Read, HttpProbeHead.TryRead([.. bytes, .. bytes], out var head));
        Assert.Equal(bytes.Length, head.Bytes);
    }

    [Fact]
    public void Damaged_requests_are_read_like_the_slow_twin_reads_them()
    {
        var random = new Random(7);
        string[] seeds = [Kubelet, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /x HTTP/1.1\r\nHost:a\r\nX-y: \tz\r\n\r\nbody"];
        string[] inserts = ["\r\n", "\n", "\r", " ", ":", "Host: b\r\n", "Transfer-Encoding: x\r\n", "content-length: 1\r\n", "\0", "\t"];
        var outcomes = new int[3];
        for (int round = 0; round < 60_000; round++)
        {
            var bytes = new List<byte>(Encoding.ASCII.GetBytes(seeds[random.Next(seeds.Length)]));
            if (random.Next(3) == 0) Mutations.Apply(random, bytes);
            if (random.Next(3) == 0) bytes.InsertRange(random.Next(bytes.Count + 1), Encoding.ASCII.GetBytes(inserts[random.Next(inserts.Length)]));
            byte[] request = [.. bytes];
            var outcome = HttpProbeHead.TryRead(request, out _);
            Assert.True(Slow(Encoding.Latin1.GetString(request)) == outcome, $"round {round}, {outcome}: {Encoding.Latin1.GetString(request)}");
            outcomes[(int)outcome]++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"need more {outcomes[0]}, read {outcomes[1]}, bad {outcomes[2]}");
        Assert.All(outcomes, count => Assert.True(count > 500));
    }

    // The obvious parser: regular expressions over text.
    private static HttpHeadOutcome Slow(string text)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return text.Any(c => c is not ('\t' or '\r' or '\n') && (c < ' ' || c == 0x7f)) ? HttpHeadOutcome.Bad : HttpHeadOutcome.NeedMore;
        string[] lines = text[..end].Split("\r\n");
        if (!RequestLine().IsMatch(lines[0]) || lines.Length > 65) return HttpHeadOutcome.Bad;
        var fields = lines.Skip(1).Select(line => Field().Match(line)).ToList();
        if (fields.Any(field => !field.Success)) return HttpHeadOutcome.Bad;
        var named = fields.ToLookup(field => field.Groups[1].Value.ToUpperInvariant(), field => field.Groups[2].Value.Trim(' ', '\t'));
        bool isPlain = named["HOST"].Count() == 1 && named["CONTENT-LENGTH"].All(value => value == "0")
            && !named.Contains("TRANSFER-ENCODING") && !named.Contains("UPGRADE") && !named.Contains("EXPECT");
        return isPlain ? HttpHeadOutcome.Read : HttpHeadOutcome.Bad;
    }

    [GeneratedRegex(@"\A[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,16} /[\x21-\x7e]{0,4095} HTTP/1\.1\z")]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"\A([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\z")]
    private static partial Regex Field();
}
