using System.Text.RegularExpressions;
using Litestream.Bench.Compare.Works;

namespace Litestream.Bench.Compare.Plots;

/// <summary>Which measures are drawn, and how each should grow.</summary>
internal static partial class GrowthPlots
{
    private static readonly Dictionary<(string Work, string Measure), Slope> Expected = new()
    {
        [(GrowthWork.Image, "wall s")] = Slope.Linear,
        [(GrowthWork.Image, "processor s")] = Slope.Linear,
        [(GrowthWork.Image, "peak memory MB")] = Slope.Constant,
        [(GrowthWork.Image, "peak MB above a bare start")] = Slope.Constant,
        [(GrowthWork.Idle, "% of one core")] = Slope.Constant,
        [(GrowthWork.Idle, "operations on the replica")] = Slope.Constant,
        [(GrowthWork.Commit, "lag p50 ms")] = Slope.Constant,
        [(GrowthWork.CleanStart, "wall s until it streams")] = Slope.Constant,
        [(GrowthWork.CleanStart, "MB read, program and runtime included")] = Slope.Constant,

        // Any page may have changed meanwhile: each is read and looked at. What is sent is what has changed.
        [(GrowthWork.ColdStart, "wall s until it streams")] = Slope.Linear,
        [(GrowthWork.ColdStart, "MB read, program and runtime included")] = Slope.Linear,
        [(GrowthWork.CrashStart, "wall s until it is sent")] = Slope.Linear,
        [(GrowthWork.CrashStart, "MB read, program and runtime included")] = Slope.Linear,
        [(GrowthWork.CrashStart, "peak memory MB")] = Slope.Constant,
        [(GrowthWork.CrashStart, "MB sent")] = Slope.Constant,
        [(GrowthWork.Restore, "wall s")] = Slope.Linear,
        [(GrowthWork.Restore, "processor s")] = Slope.Linear,
        [(GrowthWork.Restore, "peak memory MB")] = Slope.Constant,
        [(GrowthWork.Restore, "peak MB above a bare start")] = Slope.Constant,
        [(ManyWork.Name, "s until all stream")] = Slope.Linear,
        [(ManyWork.Name, "% of one core")] = Slope.Linear,
        [(ManyWork.Name, "resident MB")] = Slope.Linear,
        [(ManyWork.Name, "threads")] = Slope.Constant,
        [(ManyWork.Name, "operations on the replica")] = Slope.Constant,
        [(ManyWork.Name, "KB allocated a second")] = Slope.Linear,
        [(ManyWork.Name, "lag of the first commit ms")] = Slope.Constant,
    };

    /// <summary>Draws each measure that was taken, one picture a file.</summary>
    public static void Draw(Figures figures, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var group in figures.All.Where(figure => figure.At is not null).GroupBy(figure => (figure.Work, figure.Measure)))
        {
            if (Expected.TryGetValue(group.Key, out Slope slope))
            {
                string name = NotInNames().Replace($"{group.Key.Work} {group.Key.Measure}".ToLowerInvariant().Replace("%", "percent", StringComparison.Ordinal), "-");
                File.WriteAllText(Path.Combine(folder, $"{name}.svg"), new GrowthPlot(group.Key.Work, group.Key.Measure, slope, [.. group]).ToSvg());
            }
        }
    }

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex NotInNames();
}
