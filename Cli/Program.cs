using Ambient.Cli.Commands;

// ambientctl. Exit status: 0 all is well, 1 something is not (the message says what), 2 wrong usage or nobody to ask.
return await CommandLine.RunAsync(args);
