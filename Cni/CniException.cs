namespace Ambient.Cni;

/// <summary>
/// What a command fails with; the runtime gets code and text. Codes below 100 are the specification's, the others are this plugin's own
/// (CNI specification 1.1.0, section 5, "Error").
/// </summary>
internal sealed class CniException(int code, string message, string details = "") : Exception(message)
{
    public const int IncompatibleVersion = 1, InvalidEnvironment = 4, InputOutput = 5, CannotDecode = 6, InvalidNetwork = 7;

    /// <summary>The pod belongs to the mesh and could not be captured.</summary>
    public const int NotCaptured = 100;

    /// <summary>The pod belongs to the mesh and nobody is there to capture it.</summary>
    public const int RedirectorAway = 101;

    public int Code => code;

    public string Details => details;
}
