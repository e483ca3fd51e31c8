namespace Ambient.Redirector;

/// <summary>All names in <see cref="Counters"/>.</summary>
internal static class CounterNames
{
    public const string OrdersAccepted = "orders_accepted_total";
    public const string OrdersRefused = "orders_refused_total";
    public const string PodsRefused = "pods_refused_total";
    public const string SocketsGiven = "sockets_given_total";
    public const string SocketsRefused = "sockets_refused_total";
    public const string ListenersMade = "listeners_made_total";
    public const string ListenersTakenBack = "listeners_taken_back_total";
    public const string ListenersInherited = "listeners_inherited_total";
    public const string ListenersRefused = "listeners_refused_total";
    public const string StatesKept = "states_kept_total";
    public const string StatesRefused = "states_refused_total";
    public const string PacketsRefused = "packets_refused_total";
    public const string ReportsRefused = "reports_refused_total";
    public const string PeersRefused = "peers_refused_total";
    public const string PeersDropped = "peers_dropped_total";
    public const string RulesMended = "rules_mended_total";
    public const string RoutesMended = "routes_mended_total";
    public const string SettingsMended = "settings_mended_total";
    public const string SlippedClosed = "slipped_closed_total";
    public const string SlippedListed = "slipped_listed_total";
    public const string SynEntriesDropped = "syn_entries_dropped_total";
    public const string CniCaptured = "cni_captured_total";
    public const string CniFailed = "cni_failed_total";
    public const string CniChained = "cni_chained_total";
    public const string CanaryFailed = "canary_failed_total";
    public const string PodsGone = "pods_gone_total";
    public const string PodsCaptured = "pods_captured";
    public const string NodesConnected = "nodes_connected";
}
