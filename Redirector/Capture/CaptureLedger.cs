using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ambient.Redirector.Orders;

namespace Ambient.Redirector.Capture;

/// <summary>
/// One small file for each pod whose namespace we changed, written before the change: whatever happens to this process, its successor
/// knows what to keep in force, what to take away, and what the settings were.
/// </summary>
internal sealed partial class CaptureLedger(StateDirectory folder)
{
    /// <summary>Writes a pod's record. It need not survive a loss of power, since namespaces do not either.</summary>
    /// <param name="fault">Empty, or why it could not be written.</param>
    public bool TryPut(string uid, CaptureRecord record, out string fault)
    {
        fault = "";
        try
        {
            folder.Write(NameOf(uid), JsonSerializer.SerializeToUtf8Bytes(record, RecordContext.Default.CaptureRecord), isDurable: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = e.Message;
        }
        return fault.Length == 0;
    }

    /// <summary>Forgets a pod.</summary>
    public void Remove(string uid) => folder.Delete(NameOf(uid));

    /// <summary>All records of this boot; others, and what cannot be read, are deleted.</summary>
    public IReadOnlyList<CaptureRecord> Load(string bootId)
    {
        var records = new List<CaptureRecord>();
        foreach (string name in folder.Names().ToList())
            if (Read(name) is { } record && record.BootId == bootId)
                records.Add(record);
            else
                folder.Delete(name);
        return records;
    }

    private CaptureRecord? Read(string name)
    {
        try
        {
            // Of a release before this one: its settings are not known, and the pod counts as new.
            return JsonSerializer.Deserialize(folder.Read(name), RecordContext.Default.CaptureRecord) is { SettingsBefore: not null } record ? record : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // A UID is a string from outside: its digest can be a file name whatever it holds.
    private static string NameOf(string uid) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(uid)).AsSpan(0, 16));

    [JsonSerializable(typeof(CaptureRecord))]
    private sealed partial class RecordContext : JsonSerializerContext;
}
