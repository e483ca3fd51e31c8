using System.Globalization;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>Times as the API has them (RFC 3339, in UTC).</summary>
internal static class ApiTime
{
    /// <summary>meta/v1.Time: whole seconds.</summary>
    internal static string Seconds(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>meta/v1.MicroTime.</summary>
    internal static string Microseconds(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
