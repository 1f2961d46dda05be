namespace Litestream.Bench.Compare;

/// <summary>What a program cost from start to end.</summary>
/// <param name="Wall">Seconds.</param>
/// <param name="Cpu">Processor seconds.</param>
/// <param name="Peak">The most megabytes that it was seen to have resident.</param>
/// <param name="Output">What it printed.</param>
internal readonly record struct ProgramRun(double Wall, double Cpu, double Peak, string Output);
