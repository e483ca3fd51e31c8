namespace Ambient.Controller.Sources.Yaml;

/// <summary>Reads what a Service's spec says about the choice among its endpoints. Source: the core/v1 API, <c>ServiceSpec</c>.</summary>
internal static class ServiceTrafficReader
{
    // The API server's own default and limit.
    private const int DefaultAffinitySeconds = 10_800;
    private const int MaxAffinitySeconds = 86_400;

    internal static ServiceTraffic Read(Fields spec) => new()
    {
        ClientAffinitySeconds = spec.Text("sessionAffinity") switch
        {
            "" or "None" => 0,
            "ClientIP" => spec.Object("sessionAffinityConfig").Object("clientIP").Number("timeoutSeconds", 1, MaxAffinitySeconds) ?? DefaultAffinitySeconds,
            _ => throw spec.Expected("sessionAffinity", "None or ClientIP"),
        },
        Distribution = spec.Text("trafficDistribution"),
        IsNodeLocal = spec.Text("internalTrafficPolicy") switch
        {
            "" or "Cluster" => false,
            "Local" => true,
            _ => throw spec.Expected("internalTrafficPolicy", "Cluster or Local"),
        },
        PublishesNotReady = spec.Flag("publishNotReadyAddresses") ?? false,
    };
}
