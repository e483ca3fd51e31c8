using Ambient.NodeProxy.Http2;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

public sealed class FloodTests
{
    private const long Second = TimeSpan.TicksPerSecond;

    private static readonly Dictionary<string, Action<FrameBytes>> Floods = new()
    {
        ["empty DATA (CVE-2019-9518)"] = bytes => bytes.Frame(FrameType.Data, 0, 1),
        ["SETTINGS (CVE-2019-9515)"] = bytes => bytes.Settings(),
        ["PING (CVE-2019-9512)"] = bytes => bytes.Frame(FrameType.Ping, 0, 0, new byte[8]),
        ["PRIORITY (CVE-2019-9513)"] = bytes => bytes.Frame(FrameType.Priority, 0, 1, new byte[5]),
        ["unknown frames"] = bytes => bytes.Frame((FrameType)99, 0, 0, 1, 2, 3),
    };

    public static TheoryData<string> Kinds => [.. Floods.Keys];

    public static TheoryData<FloodKind> Budgets => [.. Enum.GetValues<FloodKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_flood_of_cheap_frames_ends_the_connection(string kind)
    {
        var bytes = FrameBytes.FromServer();
        for (int i = 0; i < 3_000; i++)
            Floods[kind](bytes);

        FrameParseOutcome outcome = new FrameParser(FrameParserLimits.Default, isServer: false).Feed(bytes.ToArray(), new RecordingSink(), 0);

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, outcome.Error);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_same_frames_at_a_calm_rate_go_on_for_ever(string kind)
    {
        var parser = new FrameParser(FrameParserLimits.Default, isServer: false);
        var sink = new RecordingSink();
        Assert.True(parser.Feed(FrameBytes.FromServer().ToArray(), sink, 0).IsOk);
        var frame = new FrameBytes();
        Floods[kind](frame);
        byte[] bytes = frame.ToArray();

        for (int i = 0; i < 3_000; i++)
            Assert.True(parser.Feed(bytes, sink, i * (Second / 20)).IsOk);
    }

    [Fact]
    public void A_flood_of_CONTINUATION_frames_ends_the_connection_before_it_is_gathered()
    {
        var parser = new FrameParser(FrameParserLimits.Default, isServer: false);
        var sink = new RecordingSink();
        Assert.True(parser.Feed(FrameBytes.FromServer().Frame(FrameType.Headers, 0, 1, 0x82).ToArray(), sink, 0).IsOk);
        byte[] small = new FrameBytes().Frame(FrameType.Continuation, 0, 1, 0x82).ToArray();

        for (int i = 0; i < FrameParserLimits.Default.MaxContinuationFrames; i++)
            Assert.True(parser.Feed(small, sink, i * Second).IsOk);

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, parser.Feed(small, sink, 1_000 * Second).Error);
    }

    [Fact]
    public void Acknowledgements_ends_of_streams_and_window_updates_are_no_flood()
    {
        var bytes = FrameBytes.FromServer();
        for (int i = 0; i < 5_000; i++)
        {
            bytes.Frame(FrameType.Ping, 1, 0, new byte[8]).Frame(FrameType.Settings, 1, 0).Frame(FrameType.Data, 1, 1);
            bytes.Frame(FrameType.WindowUpdate, 0, 0, 0, 0, 0, 1).Frame(FrameType.Data, 0, 1, 1);
        }

        Assert.True(new FrameParser(FrameParserLimits.Default, isServer: false).Feed(bytes.ToArray(), new RecordingSink(), 0).IsOk);
    }

    [Theory]
    [MemberData(nameof(Budgets))]
    public void A_token_is_back_at_its_tick_and_not_one_earlier(FloodKind kind)
    {
        FloodBudget budget = FloodLimits.Default.For(kind);
        var guard = new FloodGuard(FloodLimits.Default);
        for (int i = 0; i < budget.Burst; i++)
            Assert.Equal(Http2ErrorCode.NoError, guard.Charge(kind, -5));
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, guard.Charge(kind, -5));

        long due = -5 + (Second + budget.PerSecond - 1) / budget.PerSecond;

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, guard.Charge(kind, due - 1));
        Assert.Equal(Http2ErrorCode.NoError, guard.Charge(kind, due));
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, guard.Charge(kind, due));
    }

    [Fact]
    public void A_bucket_never_holds_more_than_its_burst_however_long_it_waits()
    {
        var guard = new FloodGuard(new FloodLimits { Pings = new FloodBudget(3, 1_000_000) });
        Assert.Equal(Http2ErrorCode.NoError, guard.Charge(FloodKind.Ping, 0));

        long later = 365L * 24 * 3_600 * Second;
        for (int i = 0; i < 3; i++)
            Assert.Equal(Http2ErrorCode.NoError, guard.Charge(FloodKind.Ping, later));

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, guard.Charge(FloodKind.Ping, later));
    }

    [Fact]
    public void Kinds_do_not_take_each_others_tokens()
    {
        var guard = new FloodGuard(new FloodLimits { Pings = new FloodBudget(0, 0) });

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, guard.Charge(FloodKind.Ping, 0));
        Assert.Equal(Http2ErrorCode.NoError, guard.Charge(FloodKind.Settings, 0));
    }
}
