using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes.Access;

/// <summary>What a kubeconfig may say in its current context that the client library does not read. Source: the kubeconfig v1 API.</summary>
/// <param name="Proxy">Null for none, or what the environment says.</param>
/// <param name="TokenPath">A file with the token, which counts before one in the kubeconfig itself.</param>
/// <param name="FilePaths">Files that it names, whose change is a change of the configuration.</param>
internal sealed record KubeconfigExtras(Uri? Proxy, string? TokenPath, IReadOnlyList<string> FilePaths)
{
    /// <exception cref="YamlFaultException">It has another form.</exception>
    internal static KubeconfigExtras Read(string path)
    {
        var documents = YamlDocuments.Read(File.ReadAllText(path));
        var root = Fields.Of(documents.Length == 1 ? documents[0] : throw new YamlFaultException(0, "expected one document"), "");
        var context = Named(root, "contexts", root.Text("current-context")).Object("context");
        var cluster = Named(root, "clusters", context.Text("cluster")).Object("cluster");
        var user = Named(root, "users", context.Text("user")).Object("user");
        var proxy = cluster.Text("proxy-url");
        if (proxy.Length > 0 && !(Uri.TryCreate(proxy, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" or "socks5"))
            throw cluster.Expected("proxy-url", "a URL of http, https or socks5");
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return new KubeconfigExtras(proxy.Length > 0 ? new Uri(proxy) : null, Whole(user.Text("tokenFile")),
            [.. new[] { cluster.Text("certificate-authority"), user.Text("client-certificate"), user.Text("client-key") }.Select(Whole).OfType<string>()]);

        string? Whole(string file) => file.Length == 0 ? null : Path.Combine(folder, file);
    }

    private static Fields Named(Fields root, string list, string name) =>
        root.Objects(list).Where(item => item.Text("name") == name).Cast<Fields?>().FirstOrDefault()
        ?? throw root.Expected(list, $"an entry with the name '{name}', which the current context needs,");
}
