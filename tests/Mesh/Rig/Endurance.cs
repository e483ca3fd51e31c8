namespace Ambient.Tests.Mesh.Rig;

/// <summary>How much a test of endurance does: enough to notice a fault within seconds, or, by hand, what a person wants to know.</summary>
internal static class Endurance
{
    /// <summary><c>AMBIENT_ENDURANCE=full ./ambient.sh test mesh -class ...</c></summary>
    public static bool IsFull => Environment.GetEnvironmentVariable("AMBIENT_ENDURANCE") == "full";

    /// <summary>One of two amounts.</summary>
    public static T Of<T>(T inTheSuite, T inFull) => IsFull ? inFull : inTheSuite;
}
