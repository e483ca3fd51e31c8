using System.Text;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// The request target that kubelet makes of a probe's path: it parses the path as a URL, puts the pod's address in, and sends what
/// comes out (formatURL of its probes; url.URL.RequestURI of Go).
/// </summary>
internal static class KubeletPath
{
    private const string Kept = "-._~$&+,/:;=@!'()*[]";

    internal static string Of(string path)
    {
        var text = path.Split('#')[0];
        var query = text.IndexOf('?') is >= 0 and var at ? text[at..] : "";
        text = text[..(text.Length - query.Length)];
        if (text.Length > 1 && text.StartsWith("//", StringComparison.Ordinal)) // an authority, which the pod's own takes the place of
            text = text.IndexOf('/', 2) is > 0 and var slash ? text[slash..] : "";
        if (!text.StartsWith('/'))
            text = "/" + text;
        return Escaped(text) + (query == "?" ? "?" : Escaped(query, "?%"));
    }

    private static string Escaped(string text, string alsoKept = "%")
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)unit;
            if (char.IsAsciiLetterOrDigit(c) || Kept.Contains(c) || alsoKept.Contains(c) || (alsoKept.Length > 1 && c is > ' ' and < '\x7f'))
                escaped.Append(c);
            else
                escaped.Append('%').Append(unit.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return escaped.ToString();
    }
}
