using System.Globalization;
using System.Text.Json.Nodes;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>Prometheus finds the pages of metrics: by annotations of the pods, and by the PodMonitor of those who run its operator.</summary>
public sealed class ScrapeTests
{
    private static readonly string[] Workloads = ["ambient-controller", "ambient-node"];

    private static IEnumerable<(string Name, JsonObject Template)> Templates => Checkout.Daemonset.Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet")
        .Select(o => ((string)o["metadata"]!["name"]!, o["spec"]!["template"]!.AsObject()));

    [Fact]
    public void Each_pod_with_a_page_of_metrics_says_where_and_no_other_says_so()
    {
        Assert.Equal(Workloads, Templates.Where(pod => AdminPort(pod.Template) is not null).Select(pod => pod.Name).Order());
        foreach (var (_, template) in Templates)
        {
            var annotations = template["metadata"]!["annotations"];
            if (AdminPort(template) is { } port)
            {
                Assert.Equal("true", (string?)annotations!["prometheus.io/scrape"]);
                Assert.Equal(port.ToString(CultureInfo.InvariantCulture), (string?)annotations["prometheus.io/port"]);
                Assert.Equal("/metrics", (string?)annotations["prometheus.io/path"]);
            }
            else
            {
                Assert.DoesNotContain(annotations?.AsObject() ?? [], annotation => annotation.Key.StartsWith("prometheus.io/", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void The_PodMonitor_selects_the_same_pods_and_the_same_port()
    {
        var monitor = Assert.Single(Checkout.Objects("deploy/podmonitor.yaml"))["spec"]!;
        var selects = Assert.Single(monitor["selector"]!["matchExpressions"]!.AsArray())!;
        Assert.Equal(("app.kubernetes.io/name", "In"), ((string?)selects["key"], (string?)selects["operator"]));
        Assert.Equal(Templates.Where(pod => AdminPort(pod.Template) is not null).Select(pod => (string)pod.Template["metadata"]!["labels"]!["app.kubernetes.io/name"]!).Order(),
            Checkout.Texts(selects["values"]).Order());
        var endpoint = Assert.Single(monitor["podMetricsEndpoints"]!.AsArray())!;
        Assert.Equal(("admin", "/metrics"), ((string?)endpoint["port"], (string?)endpoint["path"]));
    }

    private static int? AdminPort(JsonObject template) => template["spec"]!["containers"]!.AsArray().SelectMany(container => container!["ports"]?.AsArray() ?? [])
        .Where(port => (string?)port!["name"] == "admin").Select(port => (int?)port!["containerPort"]).SingleOrDefault();
}
