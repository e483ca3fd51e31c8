using System.Diagnostics.CodeAnalysis;

namespace Ambient.Protocol.Cni;

/// <summary>
/// Which pods must not start uncaptured although no order names them yet, by the last signed order: those of enrolled namespaces, and those
/// that have a label of their own. Immutable. Redirector keeps it in a file, for the CNI plugin to know while Redirector is away; there is
/// none before the first order, and root alone reads and writes it:
/// <code>
/// ambient-enrolled-namespaces/1
/// shop                              a namespace
/// pod 0b6d... bank/web-1            a pod; to a plugin that knows of namespaces only, the name of one that cannot be
/// </code>
/// </summary>
/// <param name="namespaces">Enrolled ones.</param>
/// <param name="pods">Those with a label of their own.</param>
public sealed class EnrolledList(IEnumerable<string> namespaces, IEnumerable<EnrolledPod> pods)
{
    /// <summary>Its name in Redirector's state directory, from when it held namespaces only.</summary>
    public const string FileName = "enrolled-namespaces";

    private const string FirstLine = "ambient-enrolled-namespaces/1", PodWord = "pod ";
    private const int MaxBytes = 4 << 20;

    private readonly HashSet<string> _namespaces = namespaces.ToHashSet(StringComparer.Ordinal);
    private readonly Dictionary<string, EnrolledPod> _pods = pods.Where(CanTell).DistinctBy(pod => pod.Uid).ToDictionary(pod => pod.Uid, StringComparer.Ordinal);

    /// <summary>Whether a pod of this namespace must not start uncaptured, whatever its labels.</summary>
    public bool HasNamespace(string @namespace) => _namespaces.Contains(@namespace);

    /// <summary>Whether a pod has a label of its own.</summary>
    /// <param name="uid">Empty where the runtime does not tell it: then the name counts.</param>
    public bool HasPod(string @namespace, string name, string uid) =>
        uid.Length > 0 ? _pods.ContainsKey(uid) : _pods.Values.Any(pod => pod.Namespace == @namespace && pod.Name == name);

    /// <summary>The content of the file.</summary>
    public string ToText() => string.Join('\n', [FirstLine, .. _namespaces.Order(StringComparer.Ordinal),
        .. _pods.Values.OrderBy(pod => pod.Uid, StringComparer.Ordinal).Select(pod => $"{PodWord}{pod.Uid} {pod.Namespace}/{pod.Name}")]) + "\n";

    /// <summary>Reads the file.</summary>
    /// <param name="list">Null when there is no file.</param>
    /// <param name="fault">Why it cannot be used; null otherwise, also when there is none.</param>
    /// <returns>False with a fault.</returns>
    public static bool TryRead(string path, out EnrolledList? list, [NotNullWhen(false)] out string? fault)
    {
        list = null;
        fault = null;
        try
        {
            // Opened, not asked for: what cannot be reached would be "not there" too.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            using var reader = new StreamReader(file);
            string[] lines = file.Length <= MaxBytes ? reader.ReadToEnd().Split('\n') : [];
            if (lines is [FirstLine, .. var rest])
                list = Parse(rest);
            else
                fault = $"{path} is not a list of enrolled namespaces";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = $"{path}: {e.Message}";
        }
        return fault is null;
    }

    private static EnrolledList Parse(string[] lines) => new(
        lines.Where(line => line.Length > 0 && !line.StartsWith(PodWord, StringComparison.Ordinal)),
        lines.Where(line => line.StartsWith(PodWord, StringComparison.Ordinal)).Select(ParsePod).OfType<EnrolledPod>());

    // Null: a later release says more, or something else.
    private static EnrolledPod? ParsePod(string line) =>
        line[PodWord.Length..].Split(' ') is [var uid, var name, ..] && name.Split('/') is [var ns, var pod] ? new EnrolledPod(uid, ns, pod) : null;

    // No runtime could name another one, and a line must stay a line.
    private static bool CanTell(EnrolledPod pod) => pod.Uid.Length > 0 && IsWord(pod.Uid) && IsWord(pod.Namespace) && IsWord(pod.Name);

    private static bool IsWord(string value) => CniRequest.CanTell(value) && !value.Any(c => char.IsWhiteSpace(c) || c == '/');
}
