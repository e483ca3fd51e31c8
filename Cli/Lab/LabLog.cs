using System.Text;

namespace Ambient.Cli.Lab;

/// <summary>
/// What the lab's processes said, by process, the last lines of each. Where AMBIENT_LAB_LOGS names a folder, everything is also
/// written there. Any thread.
/// </summary>
internal sealed class LabLog
{
    private const int MostLines = 4_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Queue<string>> _lines = [];
    private readonly string? _folder = Environment.GetEnvironmentVariable("AMBIENT_LAB_LOGS");

    /// <summary>Notes a line.</summary>
    public void Add(string process, string line)
    {
        lock (_lock)
        {
            if (!_lines.TryGetValue(process, out var lines)) _lines[process] = lines = new Queue<string>();
            lines.Enqueue(line);
            if (lines.Count > MostLines) lines.Dequeue();
            if (_folder is not null)
            {
                Directory.CreateDirectory(_folder);
                File.AppendAllText(Path.Combine(_folder, process.Replace('/', '_') + ".log"), line + "\n");
            }
        }
    }

    /// <summary>The lines of one process, oldest first.</summary>
    public IReadOnlyList<string> Of(string process)
    {
        lock (_lock) return _lines.TryGetValue(process, out var lines) ? [.. lines] : [];
    }

    /// <summary>The last lines of every process, for the message of a failure.</summary>
    public string Tail(int lines = 25)
    {
        var text = new StringBuilder();
        lock (_lock)
        {
            foreach (var (process, all) in _lines.OrderBy(one => one.Key, StringComparer.Ordinal))
            {
                text.Append("---- ").Append(process).AppendLine(all.Count > lines ? $" (last {lines} of {all.Count} lines)" : "");
                foreach (var line in all.Skip(all.Count - lines)) text.Append("  ").AppendLine(line);
            }
        }
        return text.ToString();
    }
}
