using Ambient.Controller.Authority;

namespace Ambient.Controller.Sources;

/// <summary>
/// Copies of the source's files as they were when they could last be read, kept in STATE/last-good. They matter only to
/// a controller that starts while a file is broken.
/// </summary>
internal sealed class LastGoodFiles(StateFolder state)
{
    private const string Folder = "last-good";

    /// <summary>Keeps the text of a file that was read without a fault.</summary>
    internal void Keep(string name, string text)
    {
        if (Find(name) != text)
            state.WritePrivate(Path.Combine(Folder, name), text);
    }

    /// <summary>Forgets a file that is no longer part of the source.</summary>
    internal void Forget(string name) => state.Delete(Path.Combine(Folder, name));

    internal string? Find(string name) => state.TryRead(Path.Combine(Folder, name));
}
