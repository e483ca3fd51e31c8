namespace Ambient.Redirector.Rules;

/// <summary>Rules, routes or settings of a pod's namespace could not be brought into their state. It is tried again.</summary>
internal sealed class RulesException(string message) : IOException(message);
