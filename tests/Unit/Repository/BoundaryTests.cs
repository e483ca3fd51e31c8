using System.Reflection;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Unit.Repository;

/// <summary>The house keeps its walls: what may depend on what, by assembly and by room. docs/architecture.md has the table for people.</summary>
public sealed partial class BoundaryTests
{
    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["Protocol"] = [],
        ["Native"] = [],
        ["NodeProxy"] = ["Protocol", "Native"],
        ["Redirector"] = ["Protocol", "Native"],
        ["Cni"] = ["Protocol", "Native"],
        ["Controller"] = ["Protocol", "Native"],
        ["Cli"] = ["Protocol", "Native"],
    };

    // What each room of NodeProxy may use of the others. A room that is not named here fails the test: decide, then add it.
    private static readonly Dictionary<string, string[]> Rooms = new()
    {
        ["Engine"] = [],
        ["Http2"] = [],
        ["Identity"] = [],
        ["Policy"] = [],
        ["Telemetry"] = [],
        ["Discovery"] = ["Identity"],
        ["Balancing"] = ["Discovery"],
        ["Capture"] = ["Engine", "Discovery"],
        ["Tunnel"] = ["Engine", "Http2", "Identity", "Telemetry"],
        ["Sessions"] = ["Engine", "Capture", "Policy", "Discovery", "Telemetry"],
        ["Outbound"] = ["Engine", "Capture", "Sessions", "Tunnel", "Balancing", "Policy", "Discovery", "Telemetry"],
        ["Inbound"] = ["Engine", "Capture", "Sessions", "Tunnel", "Http2", "Policy", "Discovery", "Identity", "Telemetry"],
        ["Admin"] = ["Discovery", "Identity", "Telemetry"],
    };

    private static string Root { get; } = FindRoot();

    public static TheoryData<string> ProjectNames => [.. Projects.Keys];

    public static TheoryData<string> RoomNames => [.. Directory.GetDirectories(Path.Combine(Root, "NodeProxy")).Select(Path.GetFileName).OfType<string>().Where(name => name is not ("bin" or "obj"))];

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void A_project_refers_only_to_the_libraries_it_may(string project)
    {
        string file = File.ReadAllText(Path.Combine(Root, project, project + ".csproj"));
        var references = ProjectReference().Matches(file).Select(match => match.Groups[1].Value).ToArray();
        Assert.All(references, reference => Assert.True(Projects[project].Contains(reference), $"{project} may not use {reference}: see section 2 of the design and docs/decisions"));
    }

    [Theory]
    [MemberData(nameof(RoomNames))]
    public void A_room_uses_only_the_rooms_it_may(string room)
    {
        Assert.True(Rooms.TryGetValue(room, out var allowed), $"the room {room} stands in no table: add it to BoundaryTests and docs/architecture.md");
        foreach (string file in Sources(Path.Combine(Root, "NodeProxy", room)))
        {
            foreach (Match use in RoomUse().Matches(File.ReadAllText(file)))
            {
                string used = use.Groups[1].Value;
                if (used == room || !Rooms.ContainsKey(used)) continue;
                Assert.True(allowed!.Contains(used), $"{Path.GetRelativePath(Root, file)}: {room} may not use {used}");
            }
        }
    }

    [Fact]
    public void Unsafe_code_and_imports_are_in_Native_only()
    {
        var strays = Projects.Keys.Where(project => project != "Native")
            .SelectMany(project => Sources(Path.Combine(Root, project)))
            .Where(file => Danger().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(Root, file));
        Assert.Empty(strays);
    }

    [Fact]
    public void Every_unsafe_block_says_why_it_is_safe()
    {
        var silent = new List<string>();
        foreach (string file in Sources(Path.Combine(Root, "Native")))
        {
            string[] lines = File.ReadAllLines(file);
            for (int i = 0; i < lines.Length; i++)
            {
                if (!UnsafeBlock().IsMatch(lines[i])) continue;
                if (!lines[Math.Max(0, i - 4)..(i + 1)].Any(line => line.Contains("SAFETY:", StringComparison.Ordinal)))
                    silent.Add($"{Path.GetRelativePath(Root, file)}:{i + 1}");
            }
        }

        Assert.Empty(silent);
    }

    [Fact]
    public void Nothing_is_left_open_in_the_code()
    {
        var open = Projects.Keys.SelectMany(project => Sources(Path.Combine(Root, project)))
            .Where(file => Regex.IsMatch(File.ReadAllText(file), "NotImplemented" + "Exception|TO" + "DO|FIX" + "ME"))
            .Select(file => Path.GetRelativePath(Root, file));
        Assert.Empty(open);
    }

    private static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        while (!File.Exists(Path.Combine(folder.FullName, "ambient.sln"))) folder = folder.Parent ?? throw new InvalidOperationException("not in a checkout");
        return folder.FullName;
    }

    [GeneratedRegex(@"ProjectReference Include=""\.\./(\w+)/")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"\bAmbient\.NodeProxy\.(\w+)")]
    private static partial Regex RoomUse();

    [GeneratedRegex(@"\bunsafe\b|\[(LibraryImport|DllImport)\b")]
    private static partial Regex Danger();

    [GeneratedRegex(@"^\s*unsafe\s*(\{.*)?$")]
    private static partial Regex UnsafeBlock();
}
