using System.Collections.Immutable;
using Ambient.Controller.Model;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Sources;

/// <summary>What a file would mean to a controller, found out without one.</summary>
/// <param name="Objects">How many objects it holds that are read.</param>
/// <param name="Policies">How many of them are AccessPolicies.</param>
/// <param name="Faults">What a controller could not read or would not know.</param>
internal sealed record CheckedFile(string File, int Objects, int Policies, ImmutableArray<SourceFault> Faults);

/// <summary>Reads files as the controller does, and tells every fault instead of the first.</summary>
internal static class FileCheck
{
    private const string OwnGroup = "ambient.mesh/";

    /// <summary>Reads files; of a folder, those that a controller would read.</summary>
    internal static ImmutableArray<CheckedFile> Check(IEnumerable<string> paths)
    {
        var files = paths.SelectMany(path => Directory.Exists(path) ? FolderReader.FilesOf(path) : [path]).Distinct().Select(Read).ToList();
        var twice = files.SelectMany(f => f.Objects.OfType<AccessPolicyObject>()).GroupBy(p => (p.Namespace, p.Name)).Where(same => same.Count() > 1)
            .SelectMany(same => same.Skip(1).Select(p => new SourceFault(p.Place,
                $"AccessPolicy {p.Namespace}/{p.Name} is in {same.First().Place} as well: which of the two is meant cannot be known")))
            .ToLookup(fault => fault.Place.Origin);
        return [.. files.Select(f => new CheckedFile(f.File, f.Objects.Count, f.Objects.OfType<AccessPolicyObject>().Count(),
            [.. f.Faults.Concat(twice[f.File]).OrderBy(fault => fault.Place.Line)]))];
    }

    private static (string File, List<SourceObject> Objects, List<SourceFault> Faults) Read(string file)
    {
        var (objects, faults) = (new List<SourceObject>(), new List<SourceFault>());
        try
        {
            var info = new FileInfo(file);
            foreach (var document in YamlDocuments.Read(FolderReader.ReadText(file, info.Exists ? info.Length : 0)))
                ReadDocument(file, document, objects, faults);
        }
        catch (YamlFaultException fault)
        {
            faults.Add(new SourceFault(new SourcePlace(file, fault.Line), fault.Message));
        }
        foreach (var policy in objects.OfType<AccessPolicyObject>())
            faults.AddRange(policy.Faults);
        foreach (var item in objects)
        {
            if (ProtectionModes.FaultOf(item) is { } fault)
                faults.Add(new SourceFault(item.Place, fault));
        }
        return (file, objects, faults);
    }

    // A controller reads a file whole or not at all; a person wants to hear of the second fault as well.
    private static void ReadDocument(string file, YamlNode document, List<SourceObject> objects, List<SourceFault> faults)
    {
        var reader = new ObjectReader(file);
        try
        {
            reader.Read(document);
            objects.AddRange(reader.Objects);
        }
        catch (YamlFaultException fault)
        {
            faults.Add(new SourceFault(new SourcePlace(file, fault.Line), fault.Message));
        }
        foreach (var kind in reader.UnknownKinds.Where(kind => kind.StartsWith(OwnGroup, StringComparison.Ordinal) || kind == "AccessPolicy"))
            faults.Add(new SourceFault(new SourcePlace(file, document.Line), $"kind {kind} is not known here, and would be ignored"));
    }
}
