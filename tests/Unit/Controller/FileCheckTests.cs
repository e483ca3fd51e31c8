using Ambient.Cli.Lab;
using Ambient.Controller.Sources;

namespace Ambient.Tests.Unit.Controller;

public sealed class FileCheckTests : IDisposable
{
    private const string Good = """
        apiVersion: ambient.mesh/v1alpha1
        kind: AccessPolicy
        metadata: {name: good, namespace: shop}
        spec:
          rules:
          - from:
            - namespaces: [shop]

        """;

    private const string Bad = """
        apiVersion: ambient.mesh/v1alpha1
        kind: AccessPolicy
        metadata: {name: bad, namespace: shop}
        spec:
          action: MAYBE
          rules:
          - from:
            - identities: [web]
            ports:
            - 99999
        ---
        kind: Pod
        metadata: {name: api, annotations: {ambient.mesh/mode: Strict}}
        ---
        apiVersion: ambient.mesh/v1alpha1
        kind: AcessPolicy
        metadata: {name: typo}
        ---
        kind: Service
        metadata: {name: "no name"}

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-check-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_fault_of_every_document_is_told_with_its_line()
    {
        var file = Assert.Single(FileCheck.Check([Write("bad.yaml", Bad)]));
        Assert.Equal(
            ["5: expected ALLOW or DENY at spec.action",
                "8: expected an identity like spiffe://cluster.local/ns/shop/sa/web (it does not begin with spiffe://) at spec.rules[0].from[0].identities[0]",
                "10: expected a port from 1 to 65535 at spec.rules[0].ports[0]",
                "12: ambient.mesh/mode: expected STRICT or PERMISSIVE, found Strict",
                "15: kind ambient.mesh/AcessPolicy is not known here, and would be ignored",
                "20: expected a name of at most 253 letters, digits, '-', '.' and '_' at metadata.name"],
            file.Faults.Select(fault => $"{fault.Place.Line}: {fault.Message}"));
    }

    [Fact]
    public void Two_policies_of_one_name_are_told_whichever_files_they_are_in()
    {
        var files = FileCheck.Check([Write("a.yaml", Good), Write("b.yaml", "# other\n" + Good)]);
        var fault = Assert.Single(files.SelectMany(file => file.Faults));
        Assert.Equal(2, fault.Place.Line);
        Assert.Contains("a.yaml:1 as well", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ambientctl_policy_check_ends_with_0_1_or_2_and_tells_people_and_machines()
    {
        var (good, bad) = (Write("good.yaml", Good), Write("bad.yaml", Bad));
        var fine = await Tool.RunAsync(Command.Of(Programs.Cli, "policy", "check", good));
        Assert.Equal((0, "1 file, 1 object, of these 1 AccessPolicy: all understood\n"), (fine.ExitCode, fine.Output));

        var faulty = await Tool.RunAsync(Command.Of(Programs.Cli, "policy", "check", good, bad));
        Assert.Equal(1, faulty.ExitCode);
        Assert.Contains($"{bad}:5: expected ALLOW or DENY at spec.action\n", faulty.Output, StringComparison.Ordinal);

        var machine = await Tool.RunAsync(Command.Of(Programs.Cli, "policy", "check", "--json", _folder));
        using var json = System.Text.Json.JsonDocument.Parse(machine.Output);
        Assert.Equal(1, machine.ExitCode);
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal([6, 0], json.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("faults").GetArrayLength()));

        var absent = await Tool.RunAsync(Command.Of(Programs.Cli, "policy", "check", Path.Combine(_folder, "absent.yaml")));
        Assert.Equal(2, absent.ExitCode);
        Assert.Contains("ambientctl: there is no file or folder", absent.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Tool.RunAsync(Command.Of(Programs.Cli, "policy", "check"))).ExitCode);
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
