using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>What the API does to one object: the rules that are the same for every kind, and the few of some kinds that tests meet.</summary>
internal sealed partial class Objects(Storage storage, TimeProvider time)
{
    private static readonly ResourceType Namespaces = ResourceType.BuiltIn.Single(t => t.Plural == "namespaces");
    private int _serviceAddresses;

    private string Now => time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    internal StoredObject Get(ResourceType type, string ns, string name) => storage.Find(type, ns, name) ?? throw ApiFailure.NotFound(type, name);

    internal StoredObject Create(ResourceType type, string ns, JsonObject content, string manager, bool isDryRun)
    {
        var metadata = Check(type, ns, content);
        if (metadata["name"] is null && (string?)metadata["generateName"] is { } prefix)
            metadata["name"] = prefix + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray())[..8];
        var name = (string?)metadata["name"] ?? throw ApiFailure.Invalid(type, "", "metadata.name: Required value: name or generateName is required");
        if (name.Length > 253 || !Subdomain().IsMatch(name))
            throw ApiFailure.Invalid(type, name, "metadata.name: Invalid value: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'");
        if (metadata["resourceVersion"] is not null)
            throw ApiFailure.BadRequest("resourceVersion should not be set on objects to be created");
        return storage.Update(type, ns, name, before => before is null
            ? Fresh(type, ns, content, manager)
            : throw ApiFailure.AlreadyExists(type, name), isDryRun)!;
    }

    /// <param name="change">Given the object as it is, returns what the caller wants.</param>
    /// <param name="manager">Null if <paramref name="change"/> keeps managedFields by itself.</param>
    /// <param name="subresource">Empty, or status.</param>
    internal StoredObject Change(ResourceType type, string ns, string name, string subresource, Func<JsonObject, JsonObject> change, string? manager, bool isDryRun) =>
        storage.Update(type, ns, name, before =>
        {
            if (before is null)
                throw ApiFailure.NotFound(type, name);
            var old = before.Copy();
            var wanted = change(before.Copy());
            var metadata = Check(type, ns, wanted);
            if ((string?)metadata["name"] != name)
                throw ApiFailure.BadRequest($"the name of the object ({metadata["name"]}) does not match the name on the URL ({name})");
            if ((string?)metadata["resourceVersion"] is { Length: > 0 } version && version != (string?)old["metadata"]!["resourceVersion"])
                throw ApiFailure.Conflict(type, name, "the object has been modified; please apply your changes to the latest version and try again");
            if ((string?)metadata["uid"] is { } uid && uid != (string?)old["metadata"]!["uid"])
                throw ApiFailure.Conflict(type, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {old["metadata"]!["uid"]}");
            return Changed(type, subresource, old, wanted, manager);
        }, isDryRun)!;

    /// <summary>Server-side apply.</summary>
    internal StoredObject Apply(ResourceType type, string ns, string name, string subresource, JsonObject said, string manager, bool force, bool isDryRun)
    {
        var metadata = Check(type, ns, said);
        if ((string?)metadata["name"] is { } own && own != name)
            throw ApiFailure.BadRequest($"the name of the object ({own}) does not match the name on the URL ({name})");
        if (metadata["managedFields"] is not null)
            throw ApiFailure.BadRequest("metadata.managedFields must be nil");
        metadata["name"] = name;
        return storage.Update(type, ns, name, before =>
        {
            var old = before?.Copy();
            if (before is null && subresource.Length > 0)
                throw ApiFailure.NotFound(type, name);
            if ((string?)metadata["resourceVersion"] is { } version && version != (string?)old?["metadata"]!["resourceVersion"])
                throw ApiFailure.Conflict(type, name, "the object has been modified; please apply your changes to the latest version and try again");
            if (type.HasStatus)
                said = Only(said, subresource);
            var applied = ServerSideApply.Apply(type, old, said, manager, force, Now, subresource);
            return old is null ? Fresh(type, ns, applied, manager: null) : Changed(type, subresource, old, applied, manager: null);
        }, isDryRun)!;
    }

    /// <summary>Deletes, or begins to: an object with finalizers, a namespace, and a pod on a node go later.</summary>
    internal StoredObject Delete(ResourceType type, string ns, string name, int? graceSeconds, (string? Uid, string? Version) precondition, bool isDryRun) =>
        storage.Update(type, ns, name, before =>
        {
            if (before is null)
                throw ApiFailure.NotFound(type, name);
            var content = before.Copy();
            var metadata = content["metadata"]!.AsObject();
            if ((precondition.Uid is { } uid && uid != (string?)metadata["uid"]) || (precondition.Version is { } version && version != (string?)metadata["resourceVersion"]))
                throw ApiFailure.Conflict(type, name, "Precondition failed");
            var grace = type is { Group: "", Plural: "pods" } && ((string?)content["spec"]?["nodeName"]).HasText() && (string?)content["status"]?["phase"] is not ("Succeeded" or "Failed")
                ? graceSeconds ?? (int?)content["spec"]?["terminationGracePeriodSeconds"] ?? 30
                : 0;
            var isHeld = metadata["finalizers"] is JsonArray { Count: > 0 } || (type == Namespaces && content["spec"]?["finalizers"] is JsonArray { Count: > 0 });
            if (!isHeld && grace == 0)
                return null;
            if (metadata["deletionTimestamp"] is null)
            {
                metadata["deletionTimestamp"] = time.GetUtcNow().AddSeconds(grace).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
                metadata["deletionGracePeriodSeconds"] = grace;
                if (type == Namespaces)
                    content["status"] = new JsonObject { ["phase"] = "Terminating" };
            }
            return content;
        }, isDryRun)!;

    private JsonObject Check(ResourceType type, string ns, JsonObject content)
    {
        content["apiVersion"] ??= type.ApiVersion;
        content["kind"] ??= type.Kind;
        if ((string?)content["apiVersion"] != type.ApiVersion || (string?)content["kind"] != type.Kind)
            throw ApiFailure.BadRequest($"the object provided is {content["apiVersion"]}, {content["kind"]}, expected {type.ApiVersion}, {type.Kind}");
        if (content["metadata"] is not JsonObject metadata)
            content["metadata"] = metadata = [];
        if (type.IsNamespaced)
        {
            metadata["namespace"] ??= ns;
            if ((string?)metadata["namespace"] != ns)
                throw ApiFailure.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
            if (storage.Find(Namespaces, "", ns) is null)
                throw ApiFailure.NotFound(Namespaces, ns);
        }
        foreach (var (label, value) in metadata["labels"] as JsonObject ?? [])
        {
            if (value?.GetValueKind() != System.Text.Json.JsonValueKind.String || !LabelValue().IsMatch((string)value!))
                throw ApiFailure.Invalid(type, (string?)metadata["name"] ?? "", $"metadata.labels: Invalid value: {label}={value}");
        }
        return metadata;
    }

    private JsonObject Fresh(ResourceType type, string ns, JsonObject content, string? manager)
    {
        var metadata = content["metadata"]!.AsObject();
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = Now;
        metadata["generation"] = 1;
        if (type.HasStatus)
            content.Remove("status");
        SetDefaults(type, content);
        if (manager is not null)
            ServerSideApply.Own(type, null, content, manager, Now, "");
        return content;
    }

    private JsonObject? Changed(ResourceType type, string subresource, JsonObject old, JsonObject wanted, string? manager)
    {
        var (was, metadata) = (old["metadata"]!.AsObject(), wanted["metadata"]!.AsObject());
        foreach (var fixedField in (string[])["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"])
        {
            metadata.Remove(fixedField);
            if (was[fixedField] is { } value)
                metadata[fixedField] = value.DeepClone();
        }
        if (subresource == "status")
        {
            var status = wanted["status"]?.DeepClone();
            var managed = metadata["managedFields"]?.DeepClone();
            wanted = old.DeepClone().AsObject();
            wanted["status"] = status;
            wanted["metadata"]!["managedFields"] = managed;
        }
        else if (type.HasStatus)
        {
            wanted.Remove("status");
            if (old["status"] is { } status)
                wanted["status"] = status.DeepClone();
        }
        if (subresource.Length == 0 && !JsonNode.DeepEquals(old["spec"], wanted["spec"]))
            wanted["metadata"]!["generation"] = ((int?)was["generation"] ?? 1) + 1;
        if (manager is not null)
            ServerSideApply.Own(type, old, wanted, manager, Now, subresource);
        if (was["deletionTimestamp"] is not null && wanted["metadata"]!["finalizers"] is not JsonArray { Count: > 0 } && was["finalizers"] is JsonArray { Count: > 0 })
            return null;
        return wanted;
    }

    // A main resource takes no status, and the subresource nothing else.
    private static JsonObject Only(JsonObject said, string subresource)
    {
        var own = said.DeepClone().AsObject();
        foreach (var field in own.Select(f => f.Key).Where(f => f is not ("apiVersion" or "kind" or "metadata") && f == "status" != (subresource == "status")).ToList())
            own.Remove(field);
        return own;
    }

    private void SetDefaults(ResourceType type, JsonObject content)
    {
        var metadata = content["metadata"]!.AsObject();
        switch (type.QualifiedName)
        {
            case "namespaces":
                if (metadata["labels"] is not JsonObject labels)
                    metadata["labels"] = labels = [];
                labels["kubernetes.io/metadata.name"] = (string)metadata["name"]!;
                content["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") };
                content["status"] = new JsonObject { ["phase"] = "Active" };
                break;
            case "pods":
                if (content["spec"]?["containers"] is not JsonArray { Count: > 0 })
                    throw ApiFailure.Invalid(type, (string)metadata["name"]!, "spec.containers: Required value");
                content["spec"]!["terminationGracePeriodSeconds"] ??= 30;
                content["status"] = new JsonObject { ["phase"] = "Pending" };
                break;
            case "services":
                SetServiceDefaults(content["spec"] as JsonObject ?? throw ApiFailure.Invalid(type, (string)metadata["name"]!, "spec: Required value"));
                break;
            case "secrets":
                foreach (var (key, text) in content["stringData"] as JsonObject ?? [])
                {
                    if (content["data"] is not JsonObject data)
                        content["data"] = data = [];
                    data[key] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes((string)text!));
                }
                content.Remove("stringData");
                content["type"] ??= "Opaque";
                break;
            case "customresourcedefinitions.apiextensions.k8s.io":
                content["status"] = new JsonObject
                {
                    ["conditions"] = new JsonArray(Condition("NamesAccepted"), Condition("Established")),
                    ["acceptedNames"] = content["spec"]!["names"]!.DeepClone(),
                };
                break;
        }

        JsonObject Condition(string name) => new() { ["type"] = name, ["status"] = "True", ["reason"] = "Accepted", ["message"] = "", ["lastTransitionTime"] = Now };
    }

    private void SetServiceDefaults(JsonObject spec)
    {
        spec["type"] ??= "ClusterIP";
        spec["sessionAffinity"] ??= "None";
        foreach (var port in (spec["ports"] as JsonArray ?? []).Select(p => p!.AsObject()))
        {
            port["protocol"] ??= "TCP";
            port["targetPort"] ??= port["port"]!.DeepClone();
        }
        if ((string?)spec["type"] == "ExternalName")
            return;
        if (spec["clusterIP"] is null)
        {
            var number = Interlocked.Increment(ref _serviceAddresses);
            spec["clusterIP"] = $"10.96.{number / 250}.{(number % 250) + 1}";
        }
        spec["clusterIPs"] ??= new JsonArray(spec["clusterIP"]!.DeepClone());
        spec["internalTrafficPolicy"] ??= "Cluster";
    }

    [GeneratedRegex(@"^[a-z0-9]([-.:a-z0-9]*[a-z0-9])?$")]
    private static partial Regex Subdomain();

    [GeneratedRegex(@"^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$")]
    private static partial Regex LabelValue();
}

file static class Texts
{
    internal static bool HasText(this string? text) => !string.IsNullOrEmpty(text);
}
