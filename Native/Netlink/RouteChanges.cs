namespace Ambient.Native.Netlink;

/// <summary>What changed in a namespace's routing.</summary>
[Flags]
public enum RouteChanges
{
    None = 0,
    Links = 1,
    Addresses = 2,
    Rules = 4,
    Routes = 8,

    /// <summary>Events were lost: anything may have changed.</summary>
    All = Links | Addresses | Rules | Routes,
}
