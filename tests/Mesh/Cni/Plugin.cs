using System.Diagnostics;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>Runs the CNI plugin as a container runtime does: CNI_COMMAND and more in the environment, the network on standard input.</summary>
internal sealed record Plugin(RedirectorRun Run)
{
    public string Version { get; init; } = "1.0.0";

    public int StrictBootSeconds { get; init; }

    /// <summary>As Redirector writes it.</summary>
    public string EnrolledFile => Path.Combine(Run.State, "enrolled-namespaces");

    public Outcome Add(Pod pod, string container = "sandbox-1", string? result = null, string @namespace = "shop", string? uid = null, JsonObject? annotations = null) =>
        Call("ADD", pod.Path, container, Network(result ?? ResultOf(pod), annotations), $"IgnoreUnknown=1;K8S_POD_NAMESPACE={@namespace};K8S_POD_NAME={pod.Name};"
            + $"K8S_POD_INFRA_CONTAINER_ID={container};K8S_POD_UID={uid ?? pod.Uid}");

    public Outcome Delete(Pod pod, string container = "sandbox-1") =>
        Call("DEL", "", container, Network(null), $"K8S_POD_NAMESPACE=shop;K8S_POD_NAME={pod.Name};K8S_POD_UID={pod.Uid}");

    public Outcome Check(Pod pod, string container = "sandbox-1", string @namespace = "shop") =>
        Call("CHECK", pod.Path, container, Network(ResultOf(pod)), $"K8S_POD_NAMESPACE={@namespace};K8S_POD_NAME={pod.Name};K8S_POD_UID={pod.Uid}");

    /// <summary>What another plugin would have answered. Odd spaces, so that one sees whether it is passed on byte for byte.</summary>
    public string ResultOf(Pod pod) =>
        $$"""{ "cniVersion":"{{Version}}",  "interfaces":[{"name":"eth0","sandbox":"{{pod.Path}}"}], "ips":[ {"interface":0,"address":"{{pod.Address}}/24"},{"address":"{{pod.AddressV6}}/64"}],"dns":{} }""";

    public string Network(string? previous, JsonObject? annotations = null, string more = "") =>
        $$"""
        {"cniVersion":"{{Version}}","name":"cluster","type":"ambient-cni","socket":"{{Run.CniSocket}}","enrolledFile":"{{EnrolledFile}}",
         "excludedNamespaces":["ambient-system","kube-system"],"strictBootSeconds":{{StrictBootSeconds}}{{more}}
         {{(annotations is null ? "" : $",\"runtimeConfig\":{{\"io.kubernetes.cri.pod-annotations\":{annotations.ToJsonString()}}}")}}
         {{(previous is null ? "" : $",\"prevResult\":{previous}")}} }
        """;

    public static Outcome Call(string command, string netns, string container, string network, string arguments)
    {
        using var process = Start(command, netns, container, network, arguments);
        return End(process);
    }

    public static Process Start(string command, string netns, string container, string network, string arguments)
    {
        var start = new ProcessStartInfo(Programs.CniPlugin) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["CNI_COMMAND"] = command, ["CNI_CONTAINERID"] = container, ["CNI_NETNS"] = netns, ["CNI_IFNAME"] = "eth0", ["CNI_ARGS"] = arguments, ["CNI_PATH"] = "/opt/cni/bin",
        })
            if (value.Length > 0)
                start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Write(network);
        process.StandardInput.Close();
        return process;
    }

    public static Outcome End(Process process)
    {
        string output = process.StandardOutput.ReadToEnd(), error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal("", error);
        return new Outcome(process.ExitCode, output);
    }

    internal sealed record Outcome(int ExitCode, string Output)
    {
        public int Code => (int)JsonNode.Parse(Output)!["code"]!;

        public string Message => (string)JsonNode.Parse(Output)!["msg"]!;
    }
}
