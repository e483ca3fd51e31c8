using Ambient.Bench.Rig;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Plain;

var root = RigCommand.Make();
// What the rig starts of itself inside pods and nodes.
root.Subcommands.Add(PlainRelayCommand.Make());
root.Subcommands.Add(OpenLoopCommand.Make());
root.Subcommands.Add(ClosedLoop.Make());
root.Subcommands.Add(IdleClients.MakeClient());
root.Subcommands.Add(IdleClients.MakeServer());
root.Subcommands.Add(AnswerServer.Make());
root.Subcommands.Add(FirstByteClient.Make());
var parsed = root.Parse(args);
int status = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? 2 : status;
