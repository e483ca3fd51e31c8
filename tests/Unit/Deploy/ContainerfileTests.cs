using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>The image on a base of the user's (Containerfile) is what <c>./ambient.sh image</c> makes without one (deploy/image/make.sh).</summary>
public sealed partial class ContainerfileTests
{
    private static readonly string Containerfile = Checkout.Read("Containerfile");
    private static readonly string Make = Checkout.Read("deploy/image/make.sh");
    // What the image says of itself, as the script writes it: its %s are times and digests, within texts.
    private static readonly JsonNode Configuration = JsonNode.Parse(ConfigurationLine().Match(Make).Groups[1].Value)!["config"]!;

    [Fact]
    public void Both_have_the_same_packages() =>
        Assert.Equal(Words(Packages().Match(Make).Groups[1].Value).Order(), Words(Installed().Match(Containerfile).Groups[1].Value).Order());

    [Fact]
    public void Both_run_as_the_same_user_who_is_not_root()
    {
        var user = Assert.Single(Instructions("USER"));
        Assert.Equal((string?)Configuration["User"], user);
        Assert.DoesNotMatch("^(root|0)(:|$)", user);
    }

    [Fact]
    public void Both_start_the_same_program()
    {
        Assert.True(JsonNode.DeepEquals(Configuration["Entrypoint"], JsonNode.Parse(Assert.Single(Instructions("ENTRYPOINT")))));
        Assert.Empty(Instructions("CMD"));
    }

    [Fact]
    public void Both_say_the_same_to_the_runtime() =>
        Assert.Equal(Checkout.Texts(Configuration["Env"]).Where(variable => !variable.StartsWith("PATH=", StringComparison.Ordinal)), Instructions("ENV"));

    [Fact]
    public void What_is_copied_is_what_the_programs_are_laid_out_in()
    {
        var script = Checkout.Read("ambient.sh");
        Assert.Contains("state=$root/.build\n", script);
        Assert.Contains("make.sh\" programs \"$state/image/programs\"", script);
        Assert.Equal(".build/image/programs/ /", Assert.Single(Instructions("COPY")));
    }

    private static IEnumerable<string> Instructions(string name) =>
        Containerfile.Split('\n').Where(line => line.StartsWith($"{name} ", StringComparison.Ordinal)).Select(line => line[(name.Length + 1)..].Trim());

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } words ? words : throw new InvalidOperationException("no packages are found");

    [GeneratedRegex(@"^packages=\(([^)]*)\)$", RegexOptions.Multiline)]
    private static partial Regex Packages();

    [GeneratedRegex(@"apt-get install -y --no-install-recommends ([^\\&]*)")]
    private static partial Regex Installed();

    [GeneratedRegex(@"printf '(\{""architecture""[^']*)'")]
    private static partial Regex ConfigurationLine();
}
