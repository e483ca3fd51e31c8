namespace Ambient.Controller.Enrolment;

/// <summary>An immutable record that knows with which version of the view the nodes were told of it.</summary>
internal interface IAnnounced<out T>
{
    /// <summary>View version that first told it; 0 until it is published.</summary>
    ulong AnnouncedIn { get; }

    /// <summary>When the record moves on without anybody's word; null for never.</summary>
    DateTimeOffset? Deadline { get; }

    /// <summary>The same record, told with this version.</summary>
    T ToldWith(ulong version);
}
