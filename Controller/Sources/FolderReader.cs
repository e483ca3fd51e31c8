using System.Text;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Sources;

/// <summary>
/// Keeps what the files of one folder say. A file counts once it has been the same for <see cref="SettleTime"/>, so that
/// one that is being written, or renamed over, is never read half or taken for gone; a file that is broken leaves in
/// force what it said before. Owned by one thread.
/// </summary>
internal sealed class FolderReader(string folder, LastGoodFiles lastGood)
{
    /// <summary>How long a file must have been the same before it is believed.</summary>
    internal static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(100);

    /// <summary>A file that never rests is read all the same after this time, so that changes are followed within a second.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(500);

    /// <summary>Largest file, in bytes.</summary>
    internal const long MaxFileBytes = 16 << 20;

    /// <summary>Most files.</summary>
    internal const int MaxFiles = 10_000;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly SortedDictionary<string, Entry> _files = new(StringComparer.Ordinal);

    /// <summary>Whether a file is waiting to come to rest; look again after <see cref="SettleTime"/>.</summary>
    internal bool IsUnsettled { get; private set; }

    /// <summary>Looks at the folder.</summary>
    /// <param name="now">A time that never goes back; decides what has come to rest.</param>
    /// <param name="takeAtOnce">For the first look, when there is nothing yet that could be lost by reading too early.</param>
    /// <returns>Whether what the folder says has changed.</returns>
    /// <exception cref="IOException">The folder cannot be listed; all stays as it was.</exception>
    internal bool Look(TimeSpan now, bool takeAtOnce = false)
    {
        var present = FilesOf(folder).ToDictionary(path => Path.GetFileName(path), path => FileStamp.Of(new FileInfo(path)));
        if (takeAtOnce)
            lastGood.KeepOnly(present.Keys);
        foreach (var name in present.Keys)
        {
            if (!_files.ContainsKey(name))
                _files.Add(name, new Entry());
        }

        var changed = false;
        IsUnsettled = false;
        foreach (var (name, entry) in _files.ToList())
        {
            var stamp = present.GetValueOrDefault(name);
            if (stamp == entry.Taken && entry.IsTaken)
            {
                entry.UnsettledSince = null;
                continue;
            }
            if (entry.UnsettledSince is null || stamp != entry.Seen)
            {
                entry.UnsettledSince ??= now;
                entry.Seen = stamp;
                entry.SeenSince = now;
            }
            if (takeAtOnce || now - entry.SeenSince >= SettleTime || now - entry.UnsettledSince >= LongestWait)
                changed |= Take(name, stamp, entry);
            else
                IsUnsettled = true;
        }
        return changed;
    }

    /// <summary>What all files say, in the order of their names.</summary>
    internal SourceSnapshot Snapshot() => new(
        [.. _files.Values.SelectMany(f => f.Content.Objects)],
        [.. _files.Values.SelectMany(f => f.Content.UnknownKinds).Distinct().Order(StringComparer.Ordinal)],
        [.. _files.Values.Select(f => f.Fault).OfType<SourceFault>()],
        IsStandalone: true);

    /// <summary>The files of a folder that count, in the order of their names.</summary>
    internal static IEnumerable<string> FilesOf(string folder) => Directory.EnumerateFiles(folder)
        .Where(path => Path.GetExtension(path) is ".yaml" or ".yml" && Path.GetFileName(path)[0] != '.')
        .OrderBy(path => path, StringComparer.Ordinal).Take(MaxFiles);

    private bool Take(string name, FileStamp? stamp, Entry entry)
    {
        entry.UnsettledSince = null;
        if (stamp is null)
        {
            _files.Remove(name);
            lastGood.Forget(name);
            return entry.IsTaken;
        }

        var isFirst = !entry.IsTaken;
        entry.Taken = stamp;
        entry.IsTaken = true;
        string? text = null;
        entry.Fault = FaultOf(name, () => Parse(name, text = ReadText(Path.Combine(folder, name), stamp.Value.Length), entry));
        if (entry.Fault is null)
            lastGood.Keep(name, text!);
        // A controller that starts beside a broken file must not withdraw the pods that the file held yesterday.
        else if (isFirst && lastGood.Find(name) is { } before)
            FaultOf(name, () => Parse(name, before, entry));
        return true;
    }

    private static SourceFault? FaultOf(string name, Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (YamlFaultException e)
        {
            return new SourceFault(new SourcePlace(name, e.Line), e.Message);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            // One odd file must not keep the others from being followed.
            return new SourceFault(new SourcePlace(name, 0), $"expected something else, and cannot say what, which is a bug: {bug.GetType().Name}: {bug.Message}");
        }
    }

    // A file counts whole or not at all.
    private static void Parse(string name, string text, Entry entry) => entry.Content = entry.Content.Next(name, text);

    /// <summary>Reads a file's text.</summary>
    /// <exception cref="YamlFaultException">It is too large, no text, or cannot be read.</exception>
    internal static string ReadText(string path, long length)
    {
        if (length > MaxFileBytes)
            throw new YamlFaultException(0, $"expected a file of at most {MaxFileBytes >> 20} MiB");
        // An empty file says nothing. Neither does what has no length because it is no file at all: a pipe would keep us waiting
        // for a writer, a device would never end.
        if (length == 0)
            return "";
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // It may have grown since it was looked at; then it is looked at again, and until then read as far as it was seen.
            var bytes = new byte[length];
            var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            var start = bytes.AsSpan(0, read).StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
            return Utf8.GetString(bytes.AsSpan(start, read - start));
        }
        catch (DecoderFallbackException)
        {
            throw new YamlFaultException(0, "expected text in UTF-8");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new YamlFaultException(0, $"expected a file that can be read: {e.Message}");
        }
    }

    private sealed class Entry
    {
        internal bool IsTaken;
        internal FileStamp? Taken;
        internal FileStamp? Seen;
        internal TimeSpan SeenSince;
        internal TimeSpan? UnsettledSince;
        internal ParsedFile Content = ParsedFile.Empty;
        internal SourceFault? Fault;
    }
}
