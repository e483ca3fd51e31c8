using System.Net.Sockets;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.Tests.Unit.Engine;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Capture;

/// <summary>How much a pod has in stock for the time that Redirector is away, and what all of it may cost.</summary>
public sealed class SocketStockTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TestLoop _loop;
    private readonly NodeCapacity _capacity = new(1);
    private readonly FakeRedirector _redirector = new();
    private readonly List<SocketStock> _stocks = [];

    public SocketStockTests() => _loop = new TestLoop(_time);

    public async ValueTask DisposeAsync()
    {
        await _loop.Run(() => _stocks.ForEach(stock => stock.End("the test is over")));
        Assert.Equal(0, _capacity.Stocked);
        await _loop.DisposeAsync();
    }

    [Fact]
    public async Task A_pod_that_was_never_used_is_served_for_a_minute_of_the_usual_probes()
    {
        var stock = New();
        await _loop.Run(stock.Fill);

        _redirector.IsAway = true;

        Assert.Equal(12, await TakenInARow(stock, every: TimeSpan.FromSeconds(5)));
    }

    // kubelet's shortest period, and a dozen of connections a minute beside it. The worst moment is just before the stock is made good.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(10)]
    public async Task A_pod_of_72_connections_a_minute_is_served_for_more_than_45_seconds_without_Redirector(int takenSince)
    {
        var every = TimeSpan.FromMinutes(1) / 72;
        var stock = New();
        await _loop.Run(stock.Fill);
        for (int i = 0; i < 150 + takenSince; i++) Assert.True(await Take(stock, every));

        _redirector.IsAway = true;
        int served = await TakenInARow(stock, every);

        Assert.InRange(served * every, TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(70));
    }

    [Theory]
    [InlineData(1_000, 80)]     // the reserve has a bound
    [InlineData(19_000, 80)]
    [InlineData(48_000, 200)]   // a quarter of a second
    [InlineData(80_000, 256)]
    public async Task A_busy_pods_stock_is_a_quarter_of_a_seconds_need_and_no_less_than_the_reserve(int aMinute, int atMost)
    {
        var stock = New();
        await _loop.Run(stock.Fill);
        await TakeMany(stock, aMinute);

        Assert.InRange(await _loop.Run(() => stock.Count), atMost / 2, atMost);
        Assert.True(_redirector.Requests < aMinute / 4, $"{_redirector.Requests} requests for {aMinute} sockets");
    }

    [Fact]
    public async Task All_stocks_together_leave_the_descriptors_to_connections()
    {
        _capacity.SetDescriptorLimit(1_000);   // 800 for connections, 100 for reserves
        var stocks = Enumerable.Range(0, 20).Select(_ => New()).ToList();
        foreach (var stock in stocks)
        {
            await _loop.Run(stock.Fill);
            for (int i = 0; i < 70; i++) Assert.True(await Take(stock, TimeSpan.Zero));
        }

        var counts = await _loop.Run(() => stocks.Select(stock => stock.Count).ToArray());
        Assert.All(counts, count => Assert.InRange(count, 2, 80));   // what is needed at once each one has
        Assert.InRange(counts.Sum(), 90, 100 + (20 * 4));
    }

    // Ten stocks, and room for a hundred. The first two were busy, and go on so or rest.
    [Theory]
    [InlineData(0)]
    [InlineData(70)]
    public async Task A_stock_that_comes_late_has_its_share_though_the_first_ones_had_taken_all(int aMinute)
    {
        _capacity.SetDescriptorLimit(1_000);
        var first = new[] { New(), New() };
        foreach (var stock in first) await TakeMany(stock, 70);
        Assert.InRange(_capacity.Stocked, 90, 100);

        var late = Enumerable.Range(0, 8).Select(_ => New()).ToList();
        foreach (var stock in late) await _loop.Run(stock.Fill);
        for (int minute = 0; minute < 4; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            foreach (var stock in first) await TakeMany(stock, aMinute);
            foreach (var stock in late) await TakeMany(stock, 20);
        }

        var counts = await _loop.Run(() => late.Select(stock => stock.Count).ToArray());
        Assert.All(counts, count => Assert.InRange(count, 7, 13));   // ten, but for what makes no request worth it yet
        Assert.InRange(_capacity.Stocked, 70, 110);
    }

    [Fact]
    public async Task A_pod_that_is_busy_no_longer_gives_back_what_it_does_not_need()
    {
        var stock = New();
        await TakeMany(stock, 48_000);
        Assert.InRange(await _loop.Run(() => stock.Count), 100, 200);

        for (int minute = 0; minute < 2; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await _loop.Run(() => { });
        }

        Assert.Equal(12, await _loop.Run(() => stock.Count));
    }

    [Fact]
    public async Task No_reserve_is_laid_in_while_memory_is_short()
    {
        _capacity.SetMemory(90, 100);
        var stock = New();
        await _loop.Run(stock.Fill);
        for (int i = 0; i < 70; i++) Assert.True(await Take(stock, TimeSpan.Zero));

        Assert.InRange(await _loop.Run(() => stock.Count), 2, 4);
        _capacity.SetMemory(1, 100);
    }

    // Two hundred and fifty pods ask it at once, and it gives 8,192 sockets at once and 20,000 a second.
    [Fact]
    public async Task A_new_Redirector_is_asked_for_a_part_of_the_reserve_and_for_the_rest_with_the_next_connections()
    {
        var stock = New();
        await _loop.Run(stock.Fill);
        for (int i = 0; i < 100; i++) Assert.True(await Take(stock, TimeSpan.Zero));
        _redirector.IsAway = true;
        await TakenInARow(stock, TimeSpan.Zero);

        _redirector.IsAway = false;
        _redirector.Given = 0;
        await _loop.Run(stock.OnRedirectorChanged);
        Assert.InRange(_redirector.Given, 1, 18);   // and the one that waits

        Assert.True(await Take(stock, TimeSpan.Zero));
        Assert.InRange(await _loop.Run(() => stock.Count), 70, 80);
    }

    [Fact]
    public async Task A_refusal_is_the_answer_to_one_connection_and_the_others_are_served_when_they_have_asked_again()
    {
        _redirector.IsSlow = true;
        var stock = New();
        var takers = Enumerable.Range(0, 3).Select(_ => new Taker()).ToList();
        await _loop.Run(() => takers.ForEach(stock.Take));
        Assert.Equal(1, await _loop.Run(() => _redirector.Unanswered));

        await _loop.Run(() => _redirector.Refuse("more than 20000 sockets a second"));
        await _loop.Run(() => { });

        Assert.Equal(["more than 20000 sockets a second", null, null], takers.Select(taker => taker.Refusal));
        Assert.Equal(0, await _loop.Run(() => _redirector.Unanswered));   // not at once: it refuses because too much is asked
        _redirector.IsSlow = false;
        _time.Advance(TimeSpan.FromMilliseconds(30));
        await _loop.Until(() => takers.Skip(1).All(taker => taker.HasSocket), "those that wait are served");
        Assert.All(takers.Skip(1), taker => Assert.True(taker.Close()));
    }

    [Fact]
    public async Task A_connection_for_which_another_request_is_on_its_way_hears_nothing_of_a_refusal()
    {
        _redirector.IsSlow = true;
        var stock = New();
        var takers = Enumerable.Range(0, 5).Select(_ => new Taker()).ToList();
        await _loop.Run(() => takers.ForEach(stock.Take));
        Assert.Equal(2, await _loop.Run(() => _redirector.Unanswered));

        await _loop.Run(() => _redirector.Refuse("no", isLast: true));
        await _loop.Run(() => { });
        Assert.All(takers, taker => Assert.Null(taker.Refusal));

        await _loop.Run(_redirector.Give);
        Assert.All(takers, taker => Assert.True(taker.Close()));
    }

    [Fact]
    public async Task A_connection_that_waited_in_vain_is_told_what_Redirector_said_last()
    {
        _redirector.IsSlow = true;
        var stock = New();
        var takers = new[] { new Taker(), new Taker() };
        await _loop.Run(() => Array.ForEach(takers, stock.Take));
        await _loop.Run(() => _redirector.Refuse("no pod of the order in force"));

        _time.Advance(SocketStock.MaxWait - TimeSpan.FromMilliseconds(1));
        await _loop.Run(() => { });
        Assert.Null(takers[1].Refusal);
        _time.Advance(TimeSpan.FromMilliseconds(20));
        await _loop.Until(() => takers[1].Refusal is not null, "the deadline");
        Assert.Equal("no socket within 10 s: no pod of the order in force", takers[1].Refusal);
    }

    [Fact]
    public async Task Sockets_of_a_pod_that_has_ended_are_closed_also_those_that_come_later()
    {
        var stock = New();
        using var early = await SocketPair.Connect();
        using var late = await SocketPair.Connect();
        await _loop.Run(() => stock.OnAnswer(1, [early.InsideFd], null));

        await _loop.Run(() =>
        {
            stock.End("the pod has ended");
            stock.OnAnswer(1, [late.InsideFd], null);
        });

        foreach (var pair in (SocketPair[])[early, late])
        {
            pair.Outside.ReceiveTimeout = 10_000;
            Assert.Equal(0, pair.Outside.Receive(new byte[1]));
        }

        var taker = new Taker();
        await _loop.Run(() => stock.Take(taker));
        await _loop.Until(() => taker.Refusal is not null, "the refusal");
        Assert.Equal("the pod has ended", taker.Refusal);
    }

    private SocketStock New()
    {
        var stock = new SocketStock($"uid-{_stocks.Count}", _loop.Loop, _redirector, _capacity);
        _stocks.Add(stock);
        return stock;
    }

    // Whether a socket was there at once; the clock moves on.
    private async Task<bool> Take(SocketStock stock, TimeSpan every)
    {
        var taker = new Taker();
        await _loop.Run(() => stock.Take(taker));
        _time.Advance(every);
        return taker.Close();
    }

    private Task TakeMany(SocketStock stock, int count) => _loop.Run(() =>
    {
        for (int i = 0; i < count; i++)
        {
            var taker = new Taker();
            stock.Take(taker);
            taker.Close();
        }
    });

    private async Task<int> TakenInARow(SocketStock stock, TimeSpan every)
    {
        int taken = 0;
        while (await Take(stock, every)) taken++;
        return taken;
    }

    // Answers within the call where the tests are about how much is asked for; else when a test says so, in order.
    private sealed class FakeRedirector : ISocketRequester
    {
        private readonly List<(int Count, SocketStock Stock)> _asked = [];

        public bool IsAway { get; set; }

        public bool IsSlow { get; set; }

        public int Given { get; set; }

        public int Requests { get; private set; }

        public int Unanswered => _asked.Count;

        public void Request(string uid, int count, SocketStock stock)
        {
            Requests++;
            if (IsAway) return;
            _asked.Add((count, stock));
            if (!IsSlow) Give();
        }

        public void Give()
        {
            var (count, stock) = Answered(0);
            Given += count;
            stock.OnAnswer(count, [.. Enumerable.Range(0, count).Select(_ => NewSocket())], null);
        }

        public void Refuse(string reason, bool isLast = false)
        {
            var (count, stock) = Answered(isLast ? _asked.Count - 1 : 0);
            stock.OnAnswer(count, [], reason);
        }

        private (int Count, SocketStock Stock) Answered(int index)
        {
            var request = _asked[index];
            _asked.RemoveAt(index);
            return request;
        }

        private static int NewSocket()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            int fd = (int)socket.SafeHandle.DangerousGetHandle();
            socket.SafeHandle.SetHandleAsInvalid(); // the stock closes it, or who took it
            return fd;
        }
    }

    private sealed class Taker : ISocketTaker
    {
        private int? _fd;

        public bool HasSocket => _fd is not null;

        public string? Refusal { get; private set; }

        public void OnSocket(int fd) => _fd = fd;

        public void OnNoSocket(string reason) => Refusal = reason;

        public bool Close()
        {
            if (_fd is not { } fd) return false;
            SocketCalls.Close(fd);
            return true;
        }
    }
}
