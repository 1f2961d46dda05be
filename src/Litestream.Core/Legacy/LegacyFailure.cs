using System.Globalization;

namespace Litestream.Legacy;

/// <summary>Words what is wrong with a replica of Litestream 0.3: what happened, what is safe, what to do.</summary>
internal static class LegacyFailure
{
    /// <summary>Between two files something is missing.</summary>
    /// <param name="source">The replica's place.</param>
    /// <param name="found">The file that does not join.</param>
    /// <param name="last">The last good one before it.</param>
    /// <param name="lastGood">The time to restore instead; null if there is none.</param>
    public static LegacyGapException Gap(string source, LegacyFile found, LegacyFile last, DateTimeOffset? lastGood) => new(
        $"The replica of Litestream 0.3 at '{source}' has a gap: between '{last.Name}' and '{found.Name}' a part of the WAL is missing. "
        + $"Nothing was changed. {Instead(lastGood)}")
    { Replica = source, File = found.Name, LastGood = lastGood };

    /// <summary>A file is not what its name says.</summary>
    /// <param name="source">The replica's place.</param>
    /// <param name="file">The file.</param>
    /// <param name="problem">What is wrong with it, as a clause without a full stop.</param>
    /// <param name="lastGood">The time to restore instead; null if there is none.</param>
    /// <param name="cause">The error behind it, if one is.</param>
    public static LegacyFormatException Damaged(string source, LegacyFile file, string problem, DateTimeOffset? lastGood, Exception? cause = null) => new(
        $"The file '{file.Name}' of the replica at '{source}' cannot be used: {problem}. Nothing was changed. "
        + Instead(lastGood),
        cause)
    { Replica = source, File = file.Name };

    private static string Instead(DateTimeOffset? lastGood) => lastGood is { } time
        ? string.Create(CultureInfo.InvariantCulture, $"The last good point before it is {time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}; restore that one by its time.")
        : "No point before it can be restored. Look for another copy of the replica that has it whole.";
}
