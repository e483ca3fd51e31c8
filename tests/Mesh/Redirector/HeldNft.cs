using Ambient.Redirector.Rules;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>An nft of a test's own, which waits before it does anything as long as it is held: a machine that is too busy to run it.</summary>
/// <param name="folder">Of the test's.</param>
internal sealed class HeldNft(string folder)
{
    private readonly string _hold = Path.Combine(folder, "hold"), _held = Path.Combine(folder, "held"), _real = Path.Combine(folder, "nft-real");

    /// <summary>Where Redirector looks for it.</summary>
    public static string Place => NftTool.Find()!;

    /// <summary>What is to stand there; made by this.</summary>
    public string Program
    {
        get
        {
            File.Copy(Place, _real, overwrite: true);
            string program = Path.Combine(folder, "nft-held");
            File.WriteAllText(program, $"#!/bin/sh\n[ ! -e {_hold} ] || : >{_held}\nwhile [ -e {_hold} ]; do sleep 0.02; done\nexec {_real} \"$@\"\n");
            Command.Run("chmod", "500", program);
            return program;
        }
    }

    /// <summary>From now on it waits.</summary>
    public void Hold() => File.WriteAllText(_hold, "");

    /// <summary>Returns when one waits.</summary>
    public void AwaitHeld() => Wire.Until(() => File.Exists(_held), "an nft that waits");

    /// <summary>It goes on.</summary>
    public void LetGo() => File.Delete(_hold);
}
