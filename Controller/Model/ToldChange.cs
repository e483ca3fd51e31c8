namespace Ambient.Controller.Model;

/// <summary>What nodes are told of one key from now on.</summary>
/// <param name="Namespace">As <see cref="ToldResource.Namespace"/>, also of what is gone.</param>
/// <param name="Now">Null if it is gone.</param>
internal readonly record struct ToldChange(ToldKey Key, string Namespace, ToldResource? Now)
{
    internal static ToldChange To(ToldResource now) => new(now.Key, now.Namespace, now);

    internal static ToldChange Gone(ToldResource before) => new(before.Key, before.Namespace, null);
}
