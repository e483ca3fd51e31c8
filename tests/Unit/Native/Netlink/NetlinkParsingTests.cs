using Ambient.Native.Netlink;
using FsCheck;
using FsCheck.Fluent;

namespace Ambient.Tests.Unit.Native.Netlink;

public sealed class NetlinkParsingTests
{
    [Fact]
    public void A_request_reads_back_as_the_message_it_is()
    {
        var request = new NetlinkRequest(stackalloc byte[64], 24, 5, 77);
        request.Put([10, 0, 0, 0, 100, 4, 254, 2, 0, 0, 0, 0]);
        request.Attribute(4, 1);
        request.Attribute(15, 100);
        var messages = new NetlinkMessages(request.Bytes);
        Assert.True(messages.MoveNext());
        Assert.Equal((24, 77u, 28), (messages.Type, messages.Sequence, messages.Payload.Length));
        var attributes = new NetlinkAttributes(messages.Payload[12..]);
        Assert.True(attributes.MoveNext());
        Assert.Equal((4, 1u), (attributes.Type, BitConverter.ToUInt32(attributes.Value)));
        Assert.True(attributes.MoveNext());
        Assert.Equal((15, 100u), (attributes.Type, BitConverter.ToUInt32(attributes.Value)));
        Assert.False(attributes.MoveNext());
        Assert.False(messages.MoveNext());
    }

    [Fact]
    public void Any_bytes_are_walked_to_an_end_without_reading_beyond_them() => Prop.ForAll<byte[]>(bytes =>
    {
        int walked = 0;
        var messages = new NetlinkMessages(bytes);
        while (messages.MoveNext())
        {
            walked += NetlinkMessages.HeaderBytes + messages.Payload.Length;
            var attributes = new NetlinkAttributes(messages.Payload);
            while (attributes.MoveNext())
                _ = attributes.Value.Length;
        }
        return walked <= bytes.Length;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(2u, 1u, true)]
    [InlineData(1u, 1u, false)]
    [InlineData(1u, 2u, false)]
    [InlineData(0u, uint.MaxValue, true)]
    [InlineData(uint.MaxValue, 0u, false)]
    public void A_generation_is_after_another_also_when_the_number_wrapped(uint generation, uint other, bool isAfter) =>
        Assert.Equal(isAfter, new NftCommit(generation, 0, "", false, false).IsAfter(other));
}
