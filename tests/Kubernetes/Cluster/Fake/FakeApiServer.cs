using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>
/// An API server in the test's own process, for machines that have no real one: storage, list, watch, tokens, RBAC. It knows no
/// schema, no CEL and no controller; what depends on them needs a real server (<see cref="ApiServer.RequireReal"/>).
/// </summary>
public sealed class FakeApiServer : IAsyncDisposable
{
    private readonly Storage _storage = new();
    private readonly KindTable _kinds;
    private readonly Objects _objects;
    private readonly Lists _lists;
    private readonly Tokens _tokens;
    private readonly Authorizer _authorizer;
    private readonly WebApplication _app;

    private FakeApiServer(TestAuthority authority, TimeProvider time)
    {
        _kinds = new KindTable(_storage);
        _objects = new Objects(_storage, time);
        _lists = new Lists(_storage, Faults, time);
        _tokens = new Tokens(_storage, time);
        _authorizer = new Authorizer(_storage);

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 3 << 20;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
            {
                https.ServerCertificate = authority.Server;
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.ClientCertificateValidation = (certificate, _, _) => authority.Issued(certificate);
            }));
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.Zero);
        _app = builder.Build();
        _app.Run(ServeAsync);
    }

    /// <summary>What a test may have go wrong.</summary>
    public FakeFaults Faults { get; } = new();

    internal IPEndPoint EndPoint { get; private set; } = null!;

    internal static async Task<FakeApiServer> StartAsync(TestAuthority authority, TimeProvider time)
    {
        var server = new FakeApiServer(authority, time);
        foreach (var ns in (string[])["default", "kube-system", "kube-public", "kube-node-lease"])
            server._objects.Create(ResourceType.BuiltIn[0], "", new JsonObject { ["metadata"] = new JsonObject { ["name"] = ns } }, "kube-apiserver", isDryRun: false);
        server.AddRole("cluster-admin", new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") });
        server.AddRole("system:auth-delegator", new JsonObject { ["verbs"] = new JsonArray("create"), ["apiGroups"] = new JsonArray("authentication.k8s.io"), ["resources"] = new JsonArray("tokenreviews") });
        await server._app.StartAsync();
        server.EndPoint = IPEndPoint.Parse(new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Authority);
        return server;
    }

    /// <summary>Forgets what happened so far: watches and pages that begin before now get 410.</summary>
    public void Compact() => _storage.Compact();

    public async ValueTask DisposeAsync()
    {
        Faults.CutWatches();
        await _app.DisposeAsync();
    }

    private void AddRole(string name, JsonObject rule) => _objects.Create(ResourceType.BuiltIn.Single(t => t.Plural == "clusterroles"), "",
        new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["rules"] = new JsonArray(rule) }, "kube-apiserver", isDryRun: false);

    private async Task ServeAsync(HttpContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (ApiFailure e) when (!context.Response.HasStarted)
        {
            if (e.Code is 429 or 503 && Faults.RetryAfterSeconds is { } seconds)
                context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            await WriteAsync(context.Response, e.Code, JsonSerializer.SerializeToUtf8Bytes(e.ToStatus()));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone.
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = new ApiRequest(context.Request);
        if (request.Path is ["healthz" or "livez" or "readyz", ..])
        {
            await context.Response.WriteAsync("ok");
            return;
        }
        var caller = CallerOf(context);
        if (Discovery.Find(request.Path, _kinds.All) is { } document)
        {
            await WriteAsync(context.Response, 200, Bytes(document));
            return;
        }

        string group, version;
        string[] rest;
        switch (request.Path)
        {
            case ["api", var v, .. var r]: (group, version, rest) = ("", v, r); break;
            case ["apis", var g, var v, .. var r]: (group, version, rest) = (g, v, r); break;
            default: throw new ApiFailure(404, "NotFound", "the server could not find the requested resource");
        }
        var ns = "";
        if (rest is ["namespaces", var named, var plural, ..] && plural is not ("status" or "finalize"))
            (ns, rest) = (named, rest[2..]);
        var (name, subresource) = (rest.Length > 1 ? rest[1] : "", rest.Length > 2 ? rest[2] : "");
        var isWatch = request.Method == "GET" && name.Length == 0 && request.Flag("watch");
        var verb = (request.Method, name.Length > 0) switch
        {
            ("GET", false) => isWatch ? "watch" : "list",
            ("GET", true) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => throw new ApiFailure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
        };
        var resource = rest.Length == 0 ? throw new ApiFailure(404, "NotFound", "the server could not find the requested resource") : rest[0];
        var one = request.Query("fieldSelector") is { } fields && fields.StartsWith("metadata.name=", StringComparison.Ordinal) && name.Length == 0 ? fields["metadata.name=".Length..] : name;
        var attempt = new Attempt(verb, group, subresource.Length > 0 ? $"{resource}/{subresource}" : resource, ns, one);
        if (!_authorizer.Allows(caller, attempt))
            throw Authorizer.Refusal(caller, attempt);
        if (Faults.Intercept(verb, resource, caller.Name) is { } fault)
            throw new ApiFailure(fault.Code, fault.Reason, "a fault that the test asked for");

        if (group == "authentication.k8s.io" && resource == "tokenreviews" && verb == "create")
        {
            await WriteAsync(context.Response, 201, Bytes(_tokens.Review(await request.ObjectAsync())));
            return;
        }
        if (group == "authorization.k8s.io" && resource is "selfsubjectaccessreviews" or "subjectaccessreviews" && verb == "create")
        {
            await WriteAsync(context.Response, 201, Bytes(ReviewAccess(caller, await request.ObjectAsync())));
            return;
        }
        var type = _kinds.Find(group, version, resource) ?? throw new ApiFailure(404, "NotFound", "the server could not find the requested resource");
        if (type.IsNamespaced ? ns.Length == 0 && verb is not ("list" or "watch") : ns.Length > 0)
            throw new ApiFailure(404, "NotFound", "the server could not find the requested resource");
        if (isWatch)
            await _lists.WatchAsync(type, ns, request, context.Response, context.RequestAborted);
        else if (verb == "list")
            await _lists.ListAsync(type, ns, request, context.Response);
        else if (verb == "deletecollection")
            await DeleteAllAsync(type, ns, request, context.Response);
        else
            await OneAsync(type, ns, name, subresource, verb, request, context.Response);
    }

    private async Task OneAsync(ResourceType type, string ns, string name, string subresource, string verb, ApiRequest request, HttpResponse response)
    {
        switch (verb, subresource)
        {
            case ("create", "token") when type.Plural == "serviceaccounts":
                await WriteAsync(response, 201, Bytes(_tokens.Issue(ns, name, await request.ObjectAsync())));
                break;
            case ("create", "") when name.Length == 0:
                await WriteAsync(response, 201, _objects.Create(type, ns, await request.ObjectAsync(), request.Manager, request.IsDryRun).As(type));
                break;
            case ("get", "") or ("get", "status") when subresource.Length == 0 || type.HasStatus:
                await WriteAsync(response, 200, _objects.Get(type, ns, name).As(type));
                break;
            case ("update", "") or ("update", "status") when subresource.Length == 0 || type.HasStatus:
                var body = await request.ObjectAsync();
                await WriteAsync(response, 200, _objects.Change(type, ns, name, subresource, _ => body, request.Manager, request.IsDryRun).As(type));
                break;
            case ("patch", "") or ("patch", "status") when subresource.Length == 0 || type.HasStatus:
                await WriteAsync(response, 200, (await PatchAsync(type, ns, name, subresource, request)).As(type));
                break;
            case ("delete", ""):
                var options = await request.BodyAsync() as JsonObject ?? [];
                await WriteAsync(response, 200, _objects.Delete(type, ns, name, request.Number("gracePeriodSeconds") ?? (int?)options["gracePeriodSeconds"],
                    ((string?)options["preconditions"]?["uid"], (string?)options["preconditions"]?["resourceVersion"]), request.IsDryRun).As(type));
                break;
            default:
                throw new ApiFailure(404, "NotFound", "the server could not find the requested resource");
        }
    }

    private async Task<StoredObject> PatchAsync(ResourceType type, string ns, string name, string subresource, ApiRequest request)
    {
        switch (request.MediaType)
        {
            case "application/merge-patch+json":
                var merge = await request.ObjectAsync();
                return _objects.Change(type, ns, name, subresource, now => { Patches.Merge(now, merge); return now; }, request.Manager, request.IsDryRun);
            case "application/json-patch+json":
                var steps = await request.BodyAsync() as JsonArray ?? throw ApiFailure.BadRequest("expected a list of steps");
                return _objects.Change(type, ns, name, subresource, now => Patches.Apply(now, steps), request.Manager, request.IsDryRun);
            case "application/apply-patch+yaml":
                if (request.Query("fieldManager") is not { Length: > 0 } manager)
                    throw ApiFailure.BadRequest("fieldManager is required for apply patch");
                return _objects.Apply(type, ns, name, subresource, await request.ObjectAsync(), manager, request.Flag("force"), request.IsDryRun);
            default:
                // Strategic merge patch needs the schema of every kind.
                throw new ApiFailure(415, "UnsupportedMediaType", $"the fake API server takes no {request.MediaType}: use merge patch, JSON patch or apply");
        }
    }

    private async Task DeleteAllAsync(ResourceType type, string ns, ApiRequest request, HttpResponse response)
    {
        var selectors = new Selectors(request.Query("labelSelector"), request.Query("fieldSelector"));
        foreach (var (key, item) in _storage.List(type).All.Where(o => o.Key.Namespace == ns && selectors.Select(o.Value)))
            _objects.Delete(type, key.Namespace, key.Name, request.Number("gracePeriodSeconds"), default, request.IsDryRun);
        await _lists.ListAsync(type, ns, request, response);
    }

    private JsonObject ReviewAccess(Caller caller, JsonObject review)
    {
        var (spec, asked) = (review["spec"]!.AsObject(), review["spec"]!["resourceAttributes"] as JsonObject ?? []);
        var subject = (string?)spec["user"] is { } user
            ? new Caller(user, "", [.. (spec["groups"] as JsonArray ?? []).Select(g => (string)g!)], new Dictionary<string, string>())
            : caller;
        var resource = (string?)asked["subresource"] is { Length: > 0 } sub ? $"{asked["resource"]}/{sub}" : (string?)asked["resource"] ?? "";
        var allowed = _authorizer.Allows(subject, new Attempt((string?)asked["verb"] ?? "", (string?)asked["group"] ?? "", resource, (string?)asked["namespace"] ?? "", (string?)asked["name"] ?? ""));
        var answer = review.DeepClone().AsObject();
        answer["status"] = new JsonObject { ["allowed"] = allowed };
        return answer;
    }

    private Caller CallerOf(HttpContext context)
    {
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } header)
        {
            return header.StartsWith("Bearer ", StringComparison.Ordinal) && _tokens.Check(header["Bearer ".Length..], [], out _, out _) is { } known
                ? known
                : throw new ApiFailure(401, "Unauthorized", "Unauthorized");
        }
        return context.Connection.ClientCertificate is { } certificate
            ? new Caller(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), "", [.. TestAuthority.GroupsOf(certificate), "system:authenticated"], new Dictionary<string, string>())
            : Caller.Anonymous;
    }

    private static byte[] Bytes(JsonObject content) => JsonSerializer.SerializeToUtf8Bytes(content);

    private static async Task WriteAsync(HttpResponse response, int code, byte[] content)
    {
        response.StatusCode = code;
        response.ContentType = "application/json";
        await response.Body.WriteAsync(content);
    }
}
