using System.Reflection;
using Ambient.Redirector;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Unit.Redirector;

public sealed class RedirectorLogTests
{
    [Fact]
    public void Event_ids_are_unique_and_in_this_process_blocks()
    {
        var ids = typeof(RedirectorLog).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>().Select(a => a.EventId).ToList();
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(ids, id => Assert.InRange(id, 5000, 5999));
    }

    [Fact]
    public void A_message_is_one_line_whatever_it_holds()
    {
        using var writer = new StringWriter();
        new StderrLogger(TimeProvider.System, writer).Refused("x", 1, "two\nlines\r\nor more");
        Assert.Single(writer.ToString().TrimEnd('\n').Split('\n'));
    }
}
