using System.Text.Json.Nodes;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>What daemonset.yaml lets each account do at the API.</summary>
public sealed class RightsTests
{
    private static readonly IEnumerable<(string Role, JsonNode Rule)> Rules = [.. Checkout.Daemonset.Where(o => (string?)o["kind"] is "Role" or "ClusterRole")
        .SelectMany(role => role["rules"]!.AsArray().Select(rule => ($"{role["kind"]} {role["metadata"]!["name"]}", rule!)))];

    [Fact]
    public void There_is_no_wildcard()
    {
        foreach (var (_, rule) in Rules)
            foreach (var part in (string[])["apiGroups", "resources", "verbs"]) Assert.DoesNotContain("*", Checkout.Texts(rule[part]));
    }

    [Fact]
    public void Every_rule_says_why_in_a_comment()
    {
        var lines = Checkout.Read("daemonset.yaml").Split('\n');
        var rules = lines.Index().Where(line => line.Item.StartsWith("  - apiGroups:", StringComparison.Ordinal)).ToList();
        Assert.Equal(Rules.Count(), rules.Count);
        Assert.All(rules, rule => Assert.True(lines[rule.Index - 1].TrimStart().StartsWith("# ", StringComparison.Ordinal), $"line {rule.Index + 1} of daemonset.yaml says not why"));
    }

    [Fact]
    public void Secrets_are_read_in_the_meshs_own_namespace_and_by_name()
    {
        var secrets = Rules.Where(r => Checkout.Texts(r.Rule["resources"]).Contains("secrets")).ToList();
        Assert.All(secrets, r => Assert.Equal("Role ambient-controller", r.Role));
        foreach (var (_, rule) in secrets.Where(r => !Checkout.Texts(r.Rule["verbs"]).SequenceEqual(["create"])))
            Assert.Equal(["ambient-ca", "ambient-orders"], Checkout.Texts(rule["resourceNames"]));
    }

    [Fact]
    public void Nothing_that_leads_to_more_rights_can_be_written()
    {
        string[] ladders = ["pods", "pods/exec", "pods/ephemeralcontainers", "serviceaccounts", "serviceaccounts/token", "roles", "clusterroles", "rolebindings", "clusterrolebindings",
            "deployments", "daemonsets", "customresourcedefinitions", "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "certificatesigningrequests"];
        foreach (var (role, rule) in Rules.Where(r => Checkout.Texts(r.Rule["verbs"]).Except(["get", "list", "watch"]).Any()))
            Assert.Empty(Checkout.Texts(rule["resources"]).Intersect(ladders).Select(resource => $"{role}: {resource}"));
        Assert.DoesNotContain(Rules, r => Checkout.Texts(r.Rule["verbs"]).Intersect(["escalate", "bind", "impersonate"]).Any());
    }

    [Theory]
    [InlineData("view", false)]
    [InlineData("edit", true)]
    [InlineData("admin", true)]
    public void The_clusters_own_roles_have_our_kinds_and_write_policies_alone(string role, bool mayWrite)
    {
        var rules = Checkout.Daemonset.Where(o => (string?)o["kind"] == "ClusterRole" && (string?)o["metadata"]!["labels"]![$"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true")
            .SelectMany(o => o["rules"]!.AsArray()).ToList();
        Assert.Equal(["accesspolicies", "meshconfigs", "meshnodes"], With("list"));
        foreach (var verb in (string[])["create", "update", "patch", "delete", "deletecollection"])
            Assert.Equal(mayWrite ? ["accesspolicies"] : [], With(verb));
        Assert.All(rules, rule => Assert.Equal(["ambient.mesh"], Checkout.Texts(rule!["apiGroups"])));

        IEnumerable<string> With(string verb) => rules.Where(rule => Checkout.Texts(rule!["verbs"]).Contains(verb)).SelectMany(rule => Checkout.Texts(rule!["resources"])).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Nodes_have_no_right_at_all()
    {
        var bound = Checkout.Daemonset.Where(o => (string?)o["kind"] is "RoleBinding" or "ClusterRoleBinding").SelectMany(o => o["subjects"]!.AsArray()).Select(s => (string)s!["name"]!);
        Assert.Equal(["ambient-controller"], bound.Distinct());
        foreach (var account in Checkout.Daemonset.Where(o => (string?)o["kind"] == "ServiceAccount")) Assert.False((bool)account["automountServiceAccountToken"]!);
    }
}
