using System.Collections.Immutable;
using System.Text;
using Ambient.Native.Processes;

namespace Ambient.Redirector.Rules;

/// <summary>
/// Runs nft in the calling thread's network namespace, without a shell. It reads its text from memory and is killed when it hangs.
/// </summary>
internal sealed class NftTool(string path, TimeProvider time)
{
    // Loading takes about 10 ms. A machine under a build storm was seen to take 100 times that.
    private static readonly TimeSpan _atMost = TimeSpan.FromSeconds(5);

    private static readonly ImmutableArray<string> _folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"];

    /// <summary>Where nft is on this machine.</summary>
    /// <returns>Null when the package nftables is missing.</returns>
    public static string? Find()
    {
        foreach (string folder in _folders)
            if (File.Exists($"{folder}/nft"))
                return $"{folder}/nft";
        return null;
    }

    /// <summary>Loads a text as one transaction. nft(8), <c>nft -f -</c>.</summary>
    /// <exception cref="RulesException">The kernel or nft refused, and nothing changed.</exception>
    public void Load(string text) => Run(["-f", "-"], text);

    /// <summary>Our table as nft prints it, without counters, handles, and what packets put into sets. Equal rules give equal text from one version of nft.</summary>
    /// <returns>Empty when the table is not there.</returns>
    /// <exception cref="RulesException">nft failed otherwise.</exception>
    public string List()
    {
        var result = Start(["-s", "-n", "-t", "list", "table", "inet", CaptureNumbers.Table], "");
        if (result.IsOk)
            return result.Output;
        return result.Error.Contains("No such file or directory", StringComparison.Ordinal) ? "" : throw Failure(result);
    }

    private void Run(IReadOnlyList<string> arguments, string input)
    {
        var result = Start(arguments, input);
        if (!result.IsOk)
            throw Failure(result);
    }

    private ChildResult Start(IReadOnlyList<string> arguments, string input) =>
        ChildProcess.Run(path, arguments, Encoding.ASCII.GetBytes(input), _atMost, time);

    private static RulesException Failure(ChildResult result) =>
        new(result.IsTimedOut ? $"nft took more than {_atMost.TotalSeconds:0} s" : $"nft: {Shortened(result.Error)}");

    // What was refused as a whole, it tells again for each line of the text, with pictures of where.
    private static string Shortened(string error)
    {
        string[] errors = [.. error.Split('\n').Where(line => line.Contains("Error: ", StringComparison.Ordinal))];
        return errors.Length switch
        {
            0 => error.Trim().ReplaceLineEndings(" "),
            1 => errors[0],
            _ => $"{errors[0]} (and {errors.Length - 1} more)",
        };
    }
}
