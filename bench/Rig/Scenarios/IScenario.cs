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

    /// <summary>What it runs on.</summary>
    Stage Stage => Stage.TwoNodes;

    /// <summary>Whether a short load comes before the first round: compilers, pools, sessions. Not where each round starts processes anew.</summary>
    bool WarmsUp => true;

    /// <summary>Whether a peer can take part.</summary>
    bool Fits(string peer);

    /// <summary>Those that it measures, made of the stage's.</summary>
    IReadOnlyList<IPeer> PeersFrom(IReadOnlyList<IPeer> ofStage) => [.. ofStage.Where(peer => Fits(peer.Name))];

    /// <summary>Programs from elsewhere that it needs.</summary>
    IReadOnlyList<string> Programs { get; }

    /// <summary>Why it cannot run on this machine; null if it can.</summary>
    string? WhyNot => null;

    /// <summary>Starts the servers in a peer's server pod.</summary>
    Task<IReadOnlyList<Cli.Lab.LabProcess>> ServeAsync(Ground ground, IPeer peer);

    /// <summary>Compares our own generator with one made elsewhere, where a scenario uses it.</summary>
    /// <returns>What both have seen; null if there is nothing to compare, or no direct path to compare on.</returns>
    /// <exception cref="Cli.Lab.LabException">They do not agree. A quick run says so instead: it judges nothing.</exception>
    Task<string?> CheckLoadAsync(Ground ground, IReadOnlyList<IPeer> peers, RigOptions options) => Task.FromResult<string?>(null);

    /// <summary>One round over one peer.</summary>
    /// <param name="time">How long a load runs.</param>
    /// <returns>By the figure's name.</returns>
    Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time);
}
