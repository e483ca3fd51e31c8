using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>One kind of load, and what is read off each peer under it.</summary>
internal interface IScenario
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>In one line.</summary>
    string What { get; }

    /// <summary>Its figures, and what is to be reached.</summary>
    IReadOnlyList<Figure> Figures { get; }

    /// <summary>Both pods on one node.</summary>
    bool IsSameNode { get; }

    /// <summary>Whether a peer can take part.</summary>
    bool Fits(string peer);

    /// <summary>Programs from elsewhere that it needs.</summary>
    IReadOnlyList<string> Programs { get; }

    /// <summary>Starts the server in a peer's server pod.</summary>
    Task<Cli.Lab.LabProcess> ServeAsync(Ground ground, string network);

    /// <summary>One round over one peer.</summary>
    /// <param name="time">How long a load runs.</param>
    /// <returns>By the figure's name.</returns>
    Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time);
}

/// <summary>Something that is measured.</summary>
/// <param name="Name">As in result lines.</param>
/// <param name="Unit">For people.</param>
/// <param name="IsRateHigherBetter">A rate; else a cost, and lower is better.</param>
/// <param name="Reach">The ratio to HAProxy that is to be reached; null for one that is stated only.</param>
internal sealed record Figure(string Name, string Unit, bool IsRateHigherBetter = false, double? Reach = null);
