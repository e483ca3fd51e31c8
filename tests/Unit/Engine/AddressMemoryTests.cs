using System.Net;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

public sealed class AddressMemoryTests
{
    private readonly AddressMemory _memory = new();

    [Fact]
    public void Equal_addresses_become_one_object()
    {
        var first = _memory.Shared(IPAddress.Parse("10.1.0.7"));

        Assert.Same(first, _memory.Shared(IPAddress.Parse("10.1.0.7")));
        Assert.Same(first, _memory.Shared(new IPEndPoint(IPAddress.Parse("10.1.0.7"), 80)).Address);
        Assert.Same(_memory.Shared(new IPEndPoint(IPAddress.Parse("fd00::7"), 80)), _memory.Shared(new IPEndPoint(IPAddress.Parse("fd00::7"), 80)));
    }

    [Fact]
    public void Whatever_it_was_told_before_what_comes_back_is_equal_to_what_was_given()
    {
        for (int i = 0; i < 100_000; i++)
        {
            var given = new IPEndPoint(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), i % 65_536);
            Assert.Equal(given, _memory.Shared(given));
            Assert.Equal(given.Address, _memory.Shared(given.Address));
        }
    }

    [Fact]
    public void What_it_is_given_may_be_changed_later_and_is_not_what_others_get()
    {
        var given = new IPEndPoint(IPAddress.Parse("10.1.0.7"), 80);
        _memory.Shared(given);
        given.Port = 81;

        Assert.Equal(new IPEndPoint(IPAddress.Parse("10.1.0.7"), 80), _memory.Shared(new IPEndPoint(IPAddress.Parse("10.1.0.7"), 80)));
    }
}
