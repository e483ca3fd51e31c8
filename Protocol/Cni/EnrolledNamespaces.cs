using System.Diagnostics.CodeAnalysis;

namespace Ambient.Protocol.Cni;

/// <summary>
/// The file in which Redirector keeps the namespaces that the last signed order names as enrolled, for the CNI plugin to know while
/// Redirector is away. One name a line, after a first line with the format; root alone reads and writes it. There is none before the
/// first order.
/// </summary>
public static class EnrolledNamespaces
{
    /// <summary>Its name in Redirector's state directory.</summary>
    public const string FileName = "enrolled-namespaces";

    private const string FirstLine = "ambient-enrolled-namespaces/1";
    private const int MaxBytes = 4 << 20;

    public static string Write(IEnumerable<string> namespaces) => string.Join('\n', [FirstLine, .. namespaces.Order(StringComparer.Ordinal)]) + "\n";

    /// <summary>Reads the file.</summary>
    /// <param name="names">Null when there is no file.</param>
    /// <param name="fault">Why it cannot be used; null otherwise, also when there is none.</param>
    /// <returns>False with a fault.</returns>
    public static bool TryRead(string path, out IReadOnlySet<string>? names, [NotNullWhen(false)] out string? fault)
    {
        names = null;
        fault = null;
        try
        {
            // Opened, not asked for: what cannot be reached would be "not there" too.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            using var reader = new StreamReader(file);
            string[] lines = file.Length <= MaxBytes ? reader.ReadToEnd().Split('\n') : [];
            if (lines is [FirstLine, .. var rest])
                names = rest.Where(line => line.Length > 0).ToHashSet(StringComparer.Ordinal);
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
}
