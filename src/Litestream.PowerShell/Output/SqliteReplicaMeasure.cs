using Litestream.Maintenance;

namespace Litestream.PowerShell;

/// <summary>What a replica asks of its store and costs a month, reckoned from its own files.</summary>
public sealed record SqliteReplicaMeasure
{
    // As the providers bill: 10^9 bytes, and a month of 30 days.
    private const decimal Gigabyte = 1_000_000_000;
    private const double DaysOfMonth = 30;

    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>When the oldest transaction that is told apart was captured (local time).</summary>
    public DateTime From { get; init; }

    /// <summary>When the newest was captured (local time).</summary>
    public DateTime To { get; init; }

    /// <summary>Files in it.</summary>
    public int Files { get; init; }

    /// <summary>Their lengths together.</summary>
    public long BytesStored { get; init; }

    /// <summary>Transactions captured a day.</summary>
    public double CapturesPerDay { get; init; }

    /// <summary>Requests that write or list, a month.</summary>
    public long PutsPerMonth { get; init; }

    /// <summary>Requests that read, a month.</summary>
    public long GetsPerMonth { get; init; }

    /// <summary>Bytes sent to the store a month.</summary>
    public long BytesWrittenPerMonth { get; init; }

    /// <summary>Bytes fetched from it a month, by merges and to read back what was written.</summary>
    public long BytesReadPerMonth { get; init; }

    /// <summary>Money a month for requests.</summary>
    public decimal RequestCost { get; init; }

    /// <summary>Money a month for what is stored.</summary>
    public decimal StorageCost { get; init; }

    /// <summary>Money a month for what is fetched from outside the provider's region.</summary>
    public decimal TransferCost { get; init; }

    /// <summary>All of it a month.</summary>
    public decimal CostPerMonth => RequestCost + StorageCost + TransferCost;

    /// <summary>The prices that it was reckoned with.</summary>
    public required SqliteReplicaPrices Prices { get; init; }

    /// <summary>The cost in words.</summary>
    public override string ToString() => FormattableString.Invariant($"{Source}: {CostPerMonth:0.00} USD a month");

    /// <summary>Reckons.</summary>
    /// <param name="source">The replica's place.</param>
    /// <param name="usage">What its files tell.</param>
    /// <param name="prices">What the store charges.</param>
    internal static SqliteReplicaMeasure Of(string source, ReplicaUsage usage, SqliteReplicaPrices prices)
    {
        double months = usage.Period.TotalDays / DaysOfMonth;
        decimal puts = (decimal)(usage.Puts / months);
        decimal gets = (decimal)(usage.Gets / months);
        decimal read = (decimal)(usage.BytesRead / months);
        return new SqliteReplicaMeasure
        {
            Source = source,
            From = usage.From.LocalDateTime,
            To = usage.To.LocalDateTime,
            Files = usage.Files,
            BytesStored = usage.BytesStored,
            CapturesPerDay = Math.Round(usage.Captures / usage.Period.TotalDays),
            PutsPerMonth = (long)puts,
            GetsPerMonth = (long)gets,
            BytesWrittenPerMonth = (long)(usage.BytesWritten / months),
            BytesReadPerMonth = (long)read,
            RequestCost = Cents(((puts * prices.PutPerThousand) + (gets * prices.GetPerThousand)) / 1000),
            StorageCost = Cents(usage.BytesStored * prices.StoragePerGigabyte / Gigabyte),
            TransferCost = Cents(read * prices.TransferPerGigabyte / Gigabyte),
            Prices = prices,
        };
    }

    private static decimal Cents(decimal money) => Math.Round(money, 2);
}
