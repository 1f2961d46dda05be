namespace Litestream.Tools.Help;

/// <summary>A parameter as one parameter set has it.</summary>
/// <param name="Set">The set's name.</param>
/// <param name="Mandatory">Must be given.</param>
/// <param name="Position">From 0; null if it must be named.</param>
/// <param name="FromPipeline">Takes what comes through the pipeline.</param>
/// <param name="FromProperty">Takes a property of what comes through the pipeline.</param>
public sealed record ParameterUse(string Set, bool Mandatory, int? Position, bool FromPipeline, bool FromProperty);
