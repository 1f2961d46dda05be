using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>What processes take of the machine, from <c>/proc</c>; nothing where there is none.</summary>
/// <param name="Memory">Resident bytes of all of them.</param>
/// <param name="Descriptors">Open files of all of them.</param>
/// <param name="Cpu">Processor time of all of them so far.</param>
internal readonly record struct ProcessUse(long Memory, int Descriptors, TimeSpan Cpu)
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux
    private const int PageSize = 4096;

    /// <summary>Adds up some processes; one that has ended counts as nothing.</summary>
    public static ProcessUse Of(IEnumerable<int> processIds)
    {
        ProcessUse sum = default;
        foreach (int id in processIds)
        {
            try
            {
                string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{id}");
                long pages = long.Parse(File.ReadAllText($"{folder}/statm").Split(' ')[1], CultureInfo.InvariantCulture);
                string stat = File.ReadAllText($"{folder}/stat");
                string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                double ticks = double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture);
                sum = new ProcessUse(
                    sum.Memory + (pages * PageSize),
                    sum.Descriptors + Directory.GetFileSystemEntries($"{folder}/fd").Length,
                    sum.Cpu + TimeSpan.FromSeconds(ticks / TicksPerSecond));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or this is no Linux.
            }
        }

        return sum;
    }
}
