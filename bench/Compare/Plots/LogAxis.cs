namespace Litestream.Bench.Compare.Plots;

/// <summary>One logarithmic axis of a picture.</summary>
/// <param name="From">Decimal logarithm of what stands at its beginning.</param>
/// <param name="To">Of what stands at its end.</param>
/// <param name="Start">Where it begins, in pixels.</param>
/// <param name="End">Where it ends, in pixels.</param>
internal readonly record struct LogAxis(double From, double To, double Start, double End)
{
    /// <summary>An axis of whole decades that holds some values, two decades at least.</summary>
    public static LogAxis OfDecades(IReadOnlyCollection<double> values, double start, double end)
    {
        const int least = 2;
        double from = values.Count == 0 ? 0 : Math.Floor(Math.Log10(values.Min()));
        double to = values.Count == 0 ? least : Math.Ceiling(Math.Log10(values.Max()));
        return to - from >= least ? new LogAxis(from, to, start, end) : new LogAxis(to - least, to, start, end);
    }

    /// <summary>An axis that holds some values and a little room at both ends.</summary>
    public static LogAxis Around(IReadOnlyCollection<double> values, double start, double end)
    {
        const double room = 0.2;
        return new LogAxis(Math.Log10(values.Min()) - room, Math.Log10(values.Max()) + room, start, end);
    }

    /// <summary>Where a value stands, in pixels.</summary>
    public double Place(double value) => Start + ((End - Start) * (Math.Log10(value) - From) / (To - From));

    /// <summary>The powers of ten on it.</summary>
    public IEnumerable<double> Decades()
    {
        for (double exponent = Math.Ceiling(From); exponent <= To; exponent++)
        {
            yield return Math.Pow(10, exponent);
        }
    }
}
