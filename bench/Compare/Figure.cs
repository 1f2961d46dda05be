namespace Litestream.Bench.Compare;

/// <summary>One number that was measured in one turn.</summary>
/// <param name="Work">What was done.</param>
/// <param name="Measure">What the number is, with its unit.</param>
/// <param name="Subject">Who did it.</param>
/// <param name="Value">The number.</param>
/// <param name="At">How large the work was, where that is varied; else null.</param>
internal sealed record Figure(string Work, string Measure, string Subject, double Value, Extent? At);
