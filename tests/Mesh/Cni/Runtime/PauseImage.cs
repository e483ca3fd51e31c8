using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni.Runtime;

/// <summary>An image of a program that waits, as every pod's first container is one. Made here, since there is no registry to have it from.</summary>
internal static class PauseImage
{
    public const string Name = "localhost/pause:test";

    /// <summary>Writes it in the form that <c>docker save</c> writes (moby image specification 1.2), which every runtime loads.</summary>
    public static void Write(string file)
    {
        byte[] layer = Archive(Parts().Select(path => (path.TrimStart('/'), File.ReadAllBytes(path))));
        var config = new JsonObject
        {
            ["architecture"] = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Entrypoint"] = new JsonArray("/usr/bin/sleep", "infinity") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray($"sha256:{Convert.ToHexStringLower(SHA256.HashData(layer))}") },
        };
        var manifest = new JsonArray(new JsonObject { ["Config"] = "config.json", ["RepoTags"] = new JsonArray(Name), ["Layers"] = new JsonArray("layer.tar") });
        File.WriteAllBytes(file, Archive([("config.json", Bytes(config)), ("layer.tar", layer), ("manifest.json", Bytes(manifest))]));
    }

    // The program, the loader and the libraries that it names.
    private static IEnumerable<string> Parts() =>
        Command.Run("ldd", "/usr/bin/sleep").Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(word => word[0] == '/').Distinct().Prepend("/usr/bin/sleep");

    private static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static byte[] Archive(IEnumerable<(string Path, byte[] Content)> files)
    {
        using var buffer = new MemoryStream();
        using (var tar = new TarWriter(buffer, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, content) in files)
            {
                using var stream = new MemoryStream(content);
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
                {
                    DataStream = stream,
                    Mode = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute,
                });
            }
        }

        return buffer.ToArray();
    }
}
