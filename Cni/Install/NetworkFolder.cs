namespace Ambient.Cni.Install;

/// <summary>
/// The folder from which the runtime takes its network: the first file by name that is one (libcni's ConfFiles, sorted bytewise; containerd
/// and CRI-O alike). The original of a file that was changed stays beside it, under a name that no runtime reads.
/// </summary>
internal sealed class NetworkFolder(string path)
{
    private const string BackupEnding = ".ambient-backup", ListEnding = ".conflist";

    private static readonly string[] _endings = [".conf", ListEnding, ".json"];

    /// <summary>Chains the plugin into the network in use.</summary>
    /// <returns>What was done; null when it is there already.</returns>
    /// <exception cref="InvalidDataException">The network cannot be chained into, or there is none yet.</exception>
    public string? Chain(InstallOptions options)
    {
        foreach (string file in Files())
        {
            byte[] original = File.ReadAllBytes(file);
            if (NetworkList.Read(original, IsSingle(file)) is not { } network)
                continue;
            if (network.With(options.Entry()) is not { } chained)
                return null;
            if (!network.HasPlugin)
                AtomicFile.Replace(file + BackupEnding, original);
            string list = network.IsSingle ? Path.ChangeExtension(file, ListEnding) : file;
            AtomicFile.Replace(list, chained);
            // Between the two steps the runtime reads the old file, which is the first of the two by name: then the pod is captured later.
            if (list != file)
                File.Delete(file);
            return $"ambient-cni was chained into {list}";
        }
        throw new InvalidDataException($"there is no network in {path} that ambient-cni could be chained into");
    }

    /// <summary>Takes the plugin out of every network, and puts files of the old form back.</summary>
    public List<string> Unchain()
    {
        var done = new List<string>();
        foreach (string file in Files().ToList())
        {
            if (NetworkList.Read(File.ReadAllBytes(file), IsSingle(file)) is not { IsSingle: false, HasPlugin: true } network)
                continue;
            // One that the cluster's own CNI has written as a list meanwhile has a backup of its own.
            string[] singles = File.Exists(file + BackupEnding) ? [] : [.. _endings.Where(e => e != ListEnding).Select(e => Path.ChangeExtension(file, e)).Where(f => !File.Exists(f) && File.Exists(f + BackupEnding))];
            if (singles is [var single])
            {
                File.Move(single + BackupEnding, single);
                File.Delete(file);
            }
            else
            {
                AtomicFile.Replace(file, network.Without());
                File.Delete(file + BackupEnding);
            }
            done.Add($"ambient-cni was taken out of {file}");
        }
        return done;
    }

    private static bool IsSingle(string file) => Path.GetExtension(file) != ListEnding;

    private IEnumerable<string> Files() => Directory.Exists(path)
        ? Directory.EnumerateFiles(path).Where(f => _endings.Contains(Path.GetExtension(f))).Order(StringComparer.Ordinal)
        : [];
}
