using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>What a pod does with plaintext: on all of its ports, and on those where it is another.</summary>
internal sealed record ProtectionModes(ProtectionMode Mode, ImmutableArray<(uint Port, ProtectionMode Mode)> Ports)
{
    internal const string ModeKey = "ambient.mesh/mode";
    internal const string PortModesKey = "ambient.mesh/port-modes";

    /// <summary>
    /// Joins what pod, namespace and mesh say. A pod with a mode of its own speaks for all of its ports: its namespace's exceptions do
    /// not count then. A value that counts and cannot be read makes the whole pod STRICT.
    /// </summary>
    /// <param name="warn">Told of such a value.</param>
    internal static ProtectionModes Of(PodObject pod, NamespaceObject? ns, ProtectionMode meshMode, Func<string, bool> warn)
    {
        var own = Said.By(pod.Labels, pod.Annotations);
        var above = ns is null || own.Mode is not null ? Said.Nothing : Said.By(ns.Labels, ns.Annotations);
        if (own.Fault is not null)
            warn($"{pod}: {own.Fault}: its mode is STRICT");
        if (above.Fault is not null)
            warn($"{ns}: {above.Fault}: the mode of its pods is STRICT");
        if (own.Fault is not null || above.Fault is not null)
            return new ProtectionModes(ProtectionMode.Strict, []);
        var mode = own.Mode ?? above.Mode ?? meshMode;
        return new ProtectionModes(mode, [.. (own.Ports ?? above.Ports ?? []).Where(p => p.Mode != mode)]);
    }

    /// <summary>What of an object's modes cannot be read, for a person; null if all can.</summary>
    internal static string? FaultOf(SourceObject item) => item switch
    {
        PodObject pod => Said.By(pod.Labels, pod.Annotations).Fault,
        NamespaceObject ns => Said.By(ns.Labels, ns.Annotations).Fault,
        _ => null,
    };

    /// <summary>What one object says; null where it is silent.</summary>
    private sealed record Said(ProtectionMode? Mode, ImmutableArray<(uint Port, ProtectionMode Mode)>? Ports, string? Fault)
    {
        internal static Said Nothing { get; } = new(null, null, null);

        internal static Said By(FrozenDictionary<string, string> labels, FrozenDictionary<string, string> annotations)
        {
            // The mode is looked for in a label as well: a STRICT that is overlooked there would be the weaker.
            var (label, annotation) = (labels.GetValueOrDefault(ModeKey), annotations.GetValueOrDefault(ModeKey));
            if (label is not null && annotation is not null && label != annotation)
                return Broken(ModeKey, "expected label and annotation to say the same");
            var mode = (ProtectionMode?)null;
            if ((annotation ?? label) is { } text)
            {
                if (!TryRead(text, out var read))
                    return Broken(ModeKey, $"expected STRICT or PERMISSIVE, found {Excerpt.Of(text)}");
                mode = read;
            }
            if (annotations.GetValueOrDefault(PortModesKey) is not { } list)
                return new Said(mode, null, null);

            var ports = new SortedDictionary<uint, ProtectionMode>();
            foreach (var entry in list.Split(',', StringSplitOptions.TrimEntries))
            {
                if (entry.Split('=', StringSplitOptions.TrimEntries) is not [var number, var word] || !TryRead(word, out var one)
                    || !ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0 || !ports.TryAdd(port, one))
                    return Broken(PortModesKey, $"expected ports, each once, like 8080=PERMISSIVE,9090=STRICT, found {Excerpt.Of(entry)}");
            }
            return new Said(mode, [.. ports.Select(pair => (pair.Key, pair.Value))], null);
        }

        private static Said Broken(string key, string what) => new(null, null, $"{key}: {what}");
    }

    private static bool TryRead(string text, out ProtectionMode mode)
    {
        mode = text == "PERMISSIVE" ? ProtectionMode.Permissive : ProtectionMode.Strict;
        return text is "PERMISSIVE" or "STRICT";
    }
}
