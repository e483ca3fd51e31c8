using Ambient.Controller.Authority;

namespace Ambient.Controller.Sources;

/// <summary>
/// Copies of the source's files as they were when they could last be read, kept in STATE/last-good. They matter only to
/// a controller that starts while a file is broken: that they cannot be written is told, and stops nothing.
/// </summary>
internal sealed class LastGoodFiles(StateFolder state, ILogger logger)
{
    private const string Folder = "last-good";

    /// <summary>Keeps the text of a file that was read without a fault.</summary>
    internal void Keep(string name, string text)
    {
        if (Find(name) != text)
            Try(() => state.WriteRecord(Path.Combine(Folder, name), text));
    }

    /// <summary>Forgets a file that is no longer part of the source.</summary>
    internal void Forget(string name) => Try(() => state.Delete(Path.Combine(Folder, name)));

    /// <summary>Forgets all files that the source did not hold any more when this process started.</summary>
    internal void KeepOnly(IReadOnlyCollection<string> names)
    {
        foreach (var name in state.List(Folder).Except(names))
            Forget(name);
    }

    /// <summary>The text of a file as it could last be read; null if it never could.</summary>
    internal string? Find(string name)
    {
        string? text = null;
        Try(() => text = state.TryRead(Path.Combine(Folder, name)));
        return text;
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was ever kept.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LastGoodUnusable(e.Message);
        }
    }
}
