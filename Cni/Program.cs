using System.Text.Json;
using Ambient.Cni;
using Ambient.Cni.Install;

// Started by a person or by Redirector it has arguments; by a container runtime it has none, and CNI_COMMAND.
if (args.Length > 0)
    return InstallCommand.Run(args, Console.Out, Console.Error);

using var output = Console.OpenStandardOutput();
NetworkConfiguration? network = null;
string version = "1.1.0"; // before the network's own is known
try
{
    // Whatever is asked, the runtime writes, and expects that somebody reads.
    using var input = Console.OpenStandardInput();
    byte[] written = NetworkConfiguration.ReadAll(input);
    var environment = CniEnvironment.Read(Environment.GetEnvironmentVariable);
    if (environment.Command == "VERSION")
    {
        // What was asked with, as the specification has it (section 5, "Version Success"); nothing is asked with by runtimes of before 0.2.0.
        using (var asked = written.AsSpan().TrimStart(" \t\r\n"u8).IsEmpty ? null : NetworkConfiguration.Parse(written))
            version = asked is { IsSpoken: true } ? asked.Version : version;
        WriteVersions();
        return 0;
    }
    network = NetworkConfiguration.Parse(written);
    network.RequireVersion();
    version = network.Version;
    switch (environment.Command)
    {
        case "ADD":
            Commands.Add(environment, network);
            // Byte for byte: what it means is the business of who made it.
            output.Write(System.Text.Encoding.UTF8.GetBytes(network.PreviousResult!.Value.GetRawText() + "\n"));
            break;
        case "DEL": Commands.Delete(environment, network); break;
        case "CHECK": Commands.Check(environment, network); break;
        case "GC": Commands.Collect(network); break;
        // A Redirector that is away is no reason to say no (50, 51): then no pod could start on this node, its own successor among them.
        case "STATUS": break;
    }
    return 0;
}
catch (CniException e)
{
    WriteError(e);
    return 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    WriteError(new CniException(CniException.InputOutput, e.Message));
    return 1;
}
finally
{
    network?.Dispose();
}

void WriteVersions()
{
    using var json = new Utf8JsonWriter(output);
    json.WriteStartObject();
    json.WriteString("cniVersion", version);
    json.WriteStartArray("supportedVersions");
    foreach (string supported in NetworkConfiguration.Versions)
        json.WriteStringValue(supported);
    json.WriteEndArray();
    json.WriteEndObject();
}

void WriteError(CniException error)
{
    using var json = new Utf8JsonWriter(output);
    json.WriteStartObject();
    json.WriteString("cniVersion", version);
    json.WriteNumber("code", error.Code);
    json.WriteString("msg", error.Message);
    if (error.Details.Length > 0)
        json.WriteString("details", error.Details);
    json.WriteEndObject();
}
