namespace Ambient.Redirector;

/// <summary>What happened since the start, by name. Redirector opens no port: NodeProxy exports these. Owned by the loop.</summary>
internal sealed class Counters
{
    private readonly SortedDictionary<string, double> _values = new(StringComparer.Ordinal);

    /// <summary>Rises with every change.</summary>
    public long Changes { get; private set; }

    /// <summary>The values by name; names rise, gauges move.</summary>
    public IReadOnlyDictionary<string, double> Values => _values;

    public void Add(string name, double amount = 1)
    {
        _values[name] = _values.GetValueOrDefault(name) + amount;
        Changes++;
    }

    public void Set(string name, double value)
    {
        if (_values.TryGetValue(name, out double old) && old == value)
            return;
        _values[name] = value;
        Changes++;
    }
}
