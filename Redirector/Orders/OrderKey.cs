using Ambient.Protocol.Orders;

namespace Ambient.Redirector.Orders;

/// <summary>
/// The controller's key as its file has it now: kubelet puts another file in its place when the key is replaced. A file that cannot be
/// read changes nothing, since without a key no order could ever come. Owned by the loop.
/// </summary>
internal sealed class OrderKey
{
    private const int MaxChars = 64 * 1024;

    private readonly string _path;
    private string _text;
    private string _fault = "";

    private OrderKey(string path, string text) => (_path, _text, Verifier) = (path, text, OrderVerifier.FromPem(text));

    /// <summary>Opens what the key signed.</summary>
    public OrderVerifier Verifier { get; private set; }

    /// <exception cref="ArgumentException">The file holds no such key.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static OrderKey Read(string path) => new(path, TextOf(path));

    /// <summary>Looks at the file again.</summary>
    /// <param name="fault">Why the key of before stays although the file has changed; null for nothing new.</param>
    /// <returns>True when it holds another key than before.</returns>
    public bool TryRenew(out string? fault)
    {
        string found = "";
        try
        {
            string text = TextOf(_path);
            if (text != _text)
            {
                Verifier = OrderVerifier.FromPem(text);
                (_text, _fault, fault) = (text, "", null);
                return true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            found = e.Message;
        }
        fault = found.Length > 0 && found != _fault ? found : null;
        _fault = found;
        return false;
    }

    private static string TextOf(string path)
    {
        using var reader = new StreamReader(path);
        char[] buffer = new char[MaxChars];
        int length = reader.ReadBlock(buffer);
        return length < MaxChars ? new string(buffer, 0, length) : throw new ArgumentException($"The file has more than {MaxChars} characters.", nameof(path));
    }
}
