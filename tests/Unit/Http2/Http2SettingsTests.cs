using Ambient.NodeProxy.Http2;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

public sealed class Http2SettingsTests
{
    [Theory]
    [InlineData(SettingId.EnablePush, 2u, Http2ErrorCode.ProtocolError)]
    [InlineData(SettingId.InitialWindowSize, 0x7FFF_FFFFu, Http2ErrorCode.NoError)]
    [InlineData(SettingId.InitialWindowSize, 0x8000_0000u, Http2ErrorCode.FlowControlError)]
    [InlineData(SettingId.MaxFrameSize, 16_383u, Http2ErrorCode.ProtocolError)]
    [InlineData(SettingId.MaxFrameSize, 16_384u, Http2ErrorCode.NoError)]
    [InlineData(SettingId.MaxFrameSize, 16_777_215u, Http2ErrorCode.NoError)]
    [InlineData(SettingId.MaxFrameSize, 16_777_216u, Http2ErrorCode.ProtocolError)]
    [InlineData(SettingId.MaxConcurrentStreams, 0u, Http2ErrorCode.NoError)]
    [InlineData(SettingId.HeaderTableSize, uint.MaxValue, Http2ErrorCode.NoError)]
    [InlineData(SettingId.MaxHeaderListSize, 0u, Http2ErrorCode.NoError)]
    [InlineData(SettingId.EnableConnectProtocol, 2u, Http2ErrorCode.ProtocolError)]
    [InlineData((SettingId)0x9999, uint.MaxValue, Http2ErrorCode.NoError)]
    public void Values_are_bounded_as_section_6_5_2_says(SettingId id, uint value, Http2ErrorCode expected) =>
        Assert.Equal(expected, new Http2Settings().Apply(id, value, fromServer: false, out _));

    [Fact]
    public void A_wrong_value_changes_nothing()
    {
        var settings = new Http2Settings { MaxFrameSize = 20_000 };

        settings.Apply(SettingId.MaxFrameSize, 1, fromServer: false, out Http2Settings next);

        Assert.Equal(settings, next);
    }

    [Fact]
    public void Extended_connect_cannot_be_taken_back()
    {
        Assert.Equal(Http2ErrorCode.NoError, new Http2Settings().Apply(SettingId.EnableConnectProtocol, 0, fromServer: true, out _));
        Assert.Equal(Http2ErrorCode.NoError, new Http2Settings().Apply(SettingId.EnableConnectProtocol, 1, fromServer: true, out Http2Settings on));
        Assert.Equal(Http2ErrorCode.ProtocolError, on.Apply(SettingId.EnableConnectProtocol, 0, fromServer: true, out _));
    }

    [Fact]
    public void What_is_written_is_read_as_the_same()
    {
        var settings = new Http2Settings
        {
            HeaderTableSize = 0, EnablePush = false, MaxConcurrentStreams = 100, InitialWindowSize = 1 << 20, MaxFrameSize = 1 << 20,
            MaxHeaderListSize = 16_384, EnableConnectProtocol = true,
        };
        var parser = new FrameParser(FrameParserLimits.Default, isServer: true);
        byte[] bytes = new FrameBytes().Write(FrameWriter.WritePreface).Write(o => FrameWriter.WriteSettings(o, settings)).ToArray();

        Assert.True(parser.Feed(bytes, new RecordingSink(), 0).IsOk);

        Assert.Equal(settings, parser.PeerSettings);
    }
}
