using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Servers of HTTP/1.1 and HTTP/2 with files large and small. The mesh carries them as TCP.</summary>
public sealed partial class WebServerTests(ShopMesh mesh) : SoftwareMeshTest(mesh)
{
    [Fact]
    public async Task Curl_uploads_large_files_to_nginx_and_downloads_them_again()
    {
        var lab = await MeshAsync("nginx", "curl");
        var file = await FileAsync(50_000_000);
        var addresses = await ServeAsync(lab, "nginx", Nginx);
        foreach (var address in addresses)
        {
            var (url, back) = ($"http://{Host(address)}/up/{Guid.NewGuid():N}", Path.Combine(Folder, "back"));
            Assert.Equal("201", await RunAsync("curl", "-sS", "-T", Path.Combine(Folder, "file"), "-w", "%{http_code}", url));
            Assert.Equal("200", await RunAsync("curl", "-sS", "-o", back, "-w", "%{http_code}", url));
            Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(back)));
            // A reader that is slower than all in between, and one that gives up in the middle.
            Assert.Equal("206", await RunAsync("curl", "-sS", "-o", back, "-r", "0-2999999", "--limit-rate", "3M", "-w", "%{http_code}", url));
            Assert.Equal(SHA256.HashData(file.AsSpan(0, 3_000_000)), SHA256.HashData(await File.ReadAllBytesAsync(back)));
            Assert.Equal(28, (await Tool.RunAsync(Command.Of("curl", "-sS", "-o", back, "--limit-rate", "1M", "--max-time", "0.5", url).Inside(ClientNetwork))).ExitCode);
            Assert.Equal("204", await RunAsync("curl", "-sS", "-X", "DELETE", "-w", "%{http_code}", url));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clients_of_HTTP2_reach_nghttpd_in_plaintext_and_with_TLS_of_the_apps_own(bool isTls)
    {
        var lab = await MeshAsync("nghttpd", "h2load", "curl", "openssl");
        var file = await FileAsync(5_000_000);
        await File.WriteAllTextAsync(Path.Combine(Folder, "small"), "small");
        var (key, certificate) = (Path.Combine(Folder, "key.pem"), Path.Combine(Folder, "cert.pem"));
        await Tool.MustAsync(Command.Of("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=app", "-keyout", key, "-out", certificate));
        string[] tls = isTls ? [key, certificate] : [];
        var addresses = await ServeAsync(lab, "nghttpd", _ => Command.Of("nghttpd", ["-d", Folder, .. isTls ? Array.Empty<string>() : ["--no-tls"], $"{Plans.AppPort}", .. tls]));
        foreach (var address in addresses)
        {
            var url = $"{(isTls ? "https" : "http")}://{Host(address)}:80";
            var said = await RunAsync("h2load", "-n", "3000", "-c", "20", "-m", "10", $"{url}/small");
            Assert.Contains("3000 succeeded, 0 failed, 0 errored", said, StringComparison.Ordinal);
            said = await RunAsync("h2load", "-n", "16", "-c", "2", "-m", "8", $"{url}/file");
            Assert.Contains("16 succeeded, 0 failed, 0 errored", said, StringComparison.Ordinal);
            Assert.True(long.Parse(DataBytes().Match(said).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) == 16L * file.Length, said);

            var back = Path.Combine(Folder, "back");
            Assert.Equal("2 200", await RunAsync("curl", "-sSk", isTls ? "--http2" : "--http2-prior-knowledge", "-o", back, "-w", "%{http_version} %{http_code}", $"{url}/file"));
            Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(back)));
        }
    }

    [GeneratedRegex(@"\((\d+)\) data")]
    private static partial Regex DataBytes();

    private async Task<byte[]> FileAsync(int bytes)
    {
        var file = RandomNumberGenerator.GetBytes(bytes);
        await File.WriteAllBytesAsync(Path.Combine(Folder, "file"), file);
        return file;
    }

    private Command Nginx(PodPlan pod)
    {
        var folder = Path.Combine(Folder, pod.Name);
        foreach (var part in (string[])["up", "body"]) Directory.CreateDirectory(Path.Combine(folder, part));
        File.WriteAllText(Path.Combine(folder, "nginx.conf"), $$"""
            user root root; # there may be no other
            daemon off;
            master_process off;
            pid {{folder}}/pid;
            error_log stderr;
            events { worker_connections 512; }
            http {
                access_log off;
                client_max_body_size 0;
                client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi;
                uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
                server { listen {{Plans.AppPort}}; listen [::]:{{Plans.AppPort}}; root {{folder}}; location /up/ { dav_methods PUT DELETE; } }
            }
            """);
        return Command.Of("nginx", "-p", folder, "-c", Path.Combine(folder, "nginx.conf"), "-e", "stderr");
    }
}
