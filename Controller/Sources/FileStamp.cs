namespace Ambient.Controller.Sources;

/// <summary>What tells one state of a file from another without reading it. The birth time catches a file renamed over it.</summary>
internal readonly record struct FileStamp(long Length, DateTime Written, DateTime Born)
{
    /// <summary>The stamp of a file, or of what a link ends at.</summary>
    /// <returns>Null if there is no such file, or it may not be looked at.</returns>
    internal static FileStamp? Of(FileInfo file)
    {
        try
        {
            file.Refresh();
            // ConfigMaps are mounted as links to files that are swapped below them.
            var target = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
            return target is { Exists: true } ? new FileStamp(target.Length, target.LastWriteTimeUtc, target.CreationTimeUtc) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
