using System.Globalization;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>A process and what it has started: peers that fork workers are counted with them.</summary>
internal static class ProcessTree
{
    /// <summary>The process and its descendants, as they are now.</summary>
    public static IReadOnlyList<int> Of(int root)
    {
        var found = new List<int> { root };
        for (int i = 0; i < found.Count; i++)
        {
            foreach (var thread in Directory.EnumerateDirectories($"/proc/{found[i]}/task"))
            {
                var children = File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
                found.AddRange(children.Select(id => int.Parse(id, CultureInfo.InvariantCulture)));
            }
        }
        return found;
    }
}
