using BenchmarkDotNet.Running;

// Everything, unless something is chosen: else it asks.
string[] chosen = args.Any(arg => arg is "--filter" or "-f" or "--list" or "--anyCategories" or "--help") ? args : [.. args, "--filter", "*"];
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(chosen);
