namespace Ambient.Cni;

/// <summary>What the runtime says by environment variables. Source: CNI specification 1.1.0, section 2, "Parameters".</summary>
internal sealed record CniEnvironment(string Command, string Container, string NetnsPath, IReadOnlyDictionary<string, string> Arguments)
{
    private const int MaxLength = 16 * 1024;

    public string Namespace => Arguments.GetValueOrDefault("K8S_POD_NAMESPACE", "");

    public string Pod => Arguments.GetValueOrDefault("K8S_POD_NAME", "");

    public string Uid => Arguments.GetValueOrDefault("K8S_POD_UID", "");

    /// <exception cref="CniException">Something is missing or cannot be.</exception>
    public static CniEnvironment Read(Func<string, string?> variable)
    {
        string command = Get("CNI_COMMAND");
        bool isOfSandbox = command is "ADD" or "DEL" or "CHECK";
        if (!isOfSandbox && command is not ("VERSION" or "STATUS" or "GC"))
            throw new CniException(CniException.InvalidEnvironment, command.Length == 0 ? "CNI_COMMAND is not set" : $"CNI_COMMAND is {command}, which is unknown");
        string container = Get("CNI_CONTAINERID"), netns = Get("CNI_NETNS");
        if (isOfSandbox && !IsId(container))
            throw new CniException(CniException.InvalidEnvironment, "CNI_CONTAINERID is missing or has characters that it may not have");
        if (isOfSandbox && Get("CNI_IFNAME").Length == 0)
            throw new CniException(CniException.InvalidEnvironment, "CNI_IFNAME is not set");
        if (command is "ADD" or "CHECK" && netns.Length == 0)
            throw new CniException(CniException.InvalidEnvironment, "CNI_NETNS is not set");
        return new CniEnvironment(command, container, netns, Split(Get("CNI_ARGS")));

        string Get(string name)
        {
            string value = variable(name) ?? "";
            return value.Length <= MaxLength ? value : throw new CniException(CniException.InvalidEnvironment, $"{name} has {value.Length} characters");
        }
    }

    // KEY=VALUE pairs, separated by semicolons.
    private static Dictionary<string, string> Split(string text)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
            if (pair.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
                pairs[pair[..at]] = pair[(at + 1)..];
        return pairs;
    }

    // Alphanumeric at the start, then also underscore, dot and hyphen.
    private static bool IsId(string text) =>
        text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
}
