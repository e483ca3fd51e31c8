using System.Reflection;
using System.Text.RegularExpressions;
using Ambient.NodeProxy.Telemetry;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Unit.Telemetry;

public sealed partial class NodeLogTests
{
    private static readonly (MethodInfo Method, LoggerMessageAttribute Message)[] Messages =
        [.. typeof(DataPathMetrics).Assembly.GetType("Ambient.NodeProxy.NodeLog")!.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(method => (method, method.GetCustomAttribute<LoggerMessageAttribute>()!)).Where(pair => pair.Item2 is not null)];

    [Fact]
    public void Every_message_of_the_node_has_an_id_of_its_own() =>
        Assert.Empty(Messages.GroupBy(m => m.Message.EventId).Where(group => group.Count() > 1).Select(group => $"{group.Key}: {string.Join(", ", group.Select(m => m.Method.Name))}"));

    [Fact]
    public void No_message_of_the_node_holds_a_token_a_key_or_a_header() =>
        Assert.Empty(Messages.Where(m => Secret().IsMatch(m.Message.Message ?? "")).Select(m => m.Method.Name));

    [Fact]
    public void There_are_messages() => Assert.True(Messages.Length > 10);

    // What would be filled in, not the words of the text.
    [GeneratedRegex(@"\{[^}]*(token|secret|password|privatekey|header)[^}]*\}", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();
}
