using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>Service account tokens as the API server makes and checks them: signed JWTs, bound to an audience and perhaps to a pod.</summary>
internal sealed class Tokens(Storage storage, TimeProvider time)
{
    internal const string Issuer = "https://kubernetes.default.svc";
    private static readonly ResourceType Accounts = ResourceType.BuiltIn.Single(t => t.Plural == "serviceaccounts");
    private static readonly ResourceType Pods = ResourceType.BuiltIn.Single(t => t.Plural == "pods");
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>The answer to a TokenRequest.</summary>
    internal JsonObject Issue(string ns, string account, JsonObject request)
    {
        var owner = storage.Find(Accounts, ns, account) ?? throw ApiFailure.NotFound(Accounts, account);
        var spec = request["spec"] as JsonObject ?? [];
        var seconds = (long?)spec["expirationSeconds"] ?? 3600;
        if (seconds < 600)
            throw new ApiFailure(422, "Invalid", "spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes");
        var audiences = spec["audiences"] is JsonArray { Count: > 0 } named ? named.DeepClone().AsArray() : new JsonArray(Issuer);
        var (now, expires) = (time.GetUtcNow(), time.GetUtcNow().AddSeconds(seconds));
        var bound = new JsonObject { ["namespace"] = ns, ["serviceaccount"] = new JsonObject { ["name"] = account, ["uid"] = Uid(owner) } };
        if (spec["boundObjectRef"] is JsonObject reference && (string?)reference["kind"] == "Pod")
        {
            var pod = storage.Find(Pods, ns, (string)reference["name"]!) ?? throw ApiFailure.NotFound(Pods, (string)reference["name"]!);
            if ((string?)reference["uid"] is { Length: > 0 } uid && uid != Uid(pod))
                throw ApiFailure.Conflict(Pods, (string)reference["name"]!, $"the UID in the bound object reference ({uid}) does not match the UID in record");
            var content = pod.Copy();
            if (((string?)content["spec"]!["serviceAccountName"] ?? "default") != account)
                throw ApiFailure.BadRequest($"cannot bind token for serviceaccount \"{account}\" to pod running with different serviceaccount name.");
            bound["pod"] = new JsonObject { ["name"] = (string)reference["name"]!, ["uid"] = Uid(pod) };
            if ((string?)content["spec"]!["nodeName"] is { Length: > 0 } node)
                bound["node"] = new JsonObject { ["name"] = node };
        }
        var claims = new JsonObject
        {
            ["aud"] = audiences.DeepClone(),
            ["exp"] = expires.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["iss"] = Issuer,
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = bound,
            ["sub"] = $"system:serviceaccount:{ns}:{account}",
        };
        var text = $"{Encode("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"u8)}.{Encode(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        var token = $"{text}.{Encode(_key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256))}";
        var answer = request.DeepClone().AsObject();
        answer["kind"] = "TokenRequest";
        answer["apiVersion"] = "authentication.k8s.io/v1";
        answer["spec"] = new JsonObject { ["audiences"] = audiences, ["expirationSeconds"] = seconds, ["boundObjectRef"] = spec["boundObjectRef"]?.DeepClone() };
        answer["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = expires.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture) };
        return answer;
    }

    /// <summary>Checks a token.</summary>
    /// <param name="audiences">Those one of which it must be for; none for the API server's own.</param>
    /// <param name="matched">Those of them that it is for.</param>
    /// <param name="fault">Why it is none, for a person.</param>
    internal Caller? Check(string token, IReadOnlyCollection<string> audiences, out List<string> matched, out string fault)
    {
        matched = [];
        var parts = token.Split('.');
        JsonObject claims;
        try
        {
            if (parts.Length != 3 || !_key.VerifyData(Encoding.UTF8.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256))
            {
                fault = "invalid bearer token";
                return null;
            }
            claims = JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!.AsObject();
        }
        catch (FormatException)
        {
            fault = "invalid bearer token";
            return null;
        }
        var asked = audiences.Count > 0 ? audiences : [Issuer];
        matched = [.. claims["aud"]!.AsArray().Select(a => (string)a!).Intersect(asked)];
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var bound = claims["kubernetes.io"]!.AsObject();
        var ns = (string)bound["namespace"]!;
        var account = (string)bound["serviceaccount"]!["name"]!;
        var pod = bound["pod"] as JsonObject;
        fault = matched.Count == 0 ? $"token audiences {claims["aud"]!.ToJsonString()} is invalid for the target audiences {string.Join(", ", asked)}"
            : (long)claims["exp"]! <= now ? "service account token has expired"
            : storage.Find(Accounts, ns, account) is not { } owner || Uid(owner) != (string)bound["serviceaccount"]!["uid"]! ? $"serviceaccounts \"{account}\" not found"
            : pod is not null && (storage.Find(Pods, ns, (string)pod["name"]!) is not { } there || Uid(there) != (string)pod["uid"]!) ? "service account token has been invalidated"
            : "";
        if (fault.Length > 0)
            return null;

        var extra = new Dictionary<string, string>();
        if (pod is not null)
        {
            extra["authentication.kubernetes.io/pod-name"] = (string)pod["name"]!;
            extra["authentication.kubernetes.io/pod-uid"] = (string)pod["uid"]!;
        }
        if ((string?)bound["node"]?["name"] is { } node)
            extra["authentication.kubernetes.io/node-name"] = node;
        return new Caller($"system:serviceaccount:{ns}:{account}", (string)bound["serviceaccount"]!["uid"]!,
            ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"], extra);
    }

    /// <summary>The answer to a TokenReview.</summary>
    internal JsonObject Review(JsonObject request)
    {
        var spec = request["spec"] as JsonObject ?? [];
        var audiences = (spec["audiences"] as JsonArray ?? []).Select(a => (string)a!).ToList();
        var caller = Check((string?)spec["token"] ?? "", audiences, out var matched, out var fault);
        var answer = request.DeepClone().AsObject();
        answer["status"] = caller is null
            ? new JsonObject { ["user"] = new JsonObject(), ["error"] = fault }
            : new JsonObject
            {
                ["authenticated"] = true,
                ["audiences"] = new JsonArray([.. matched.Select(a => (JsonNode)a)]),
                ["user"] = new JsonObject
                {
                    ["username"] = caller.Name,
                    ["uid"] = caller.Uid,
                    ["groups"] = new JsonArray([.. caller.Groups.Select(g => (JsonNode)g)]),
                    ["extra"] = new JsonObject(caller.Extra.Select(e => KeyValuePair.Create(e.Key, (JsonNode?)new JsonArray(e.Value)))),
                },
            };
        return answer;
    }

    private static string Uid(StoredObject item) => (string)item.Copy()["metadata"]!["uid"]!;

    private static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}
