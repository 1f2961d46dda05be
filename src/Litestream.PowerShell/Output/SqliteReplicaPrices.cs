namespace Litestream.PowerShell;

/// <summary>
/// What a store charges, in US dollars. The defaults are those of Amazon S3 Standard in us-east-1 as they were published in January 2025; a
/// hashtable changes some of them: <c>@{ StoragePerGigabyte = 0.015; PutPerThousand = 0.0045; TransferPerGigabyte = 0 }</c>.
/// </summary>
public sealed record SqliteReplicaPrices
{
    /// <summary>The month that the prices are of.</summary>
    public string AsOf { get; set; } = "Amazon S3 Standard, us-east-1, January 2025";

    /// <summary>A thousand requests that write or list.</summary>
    public decimal PutPerThousand { get; set; } = 0.005m;

    /// <summary>A thousand requests that read.</summary>
    public decimal GetPerThousand { get; set; } = 0.0004m;

    /// <summary>A gigabyte (10⁹ bytes) kept for a month.</summary>
    public decimal StoragePerGigabyte { get; set; } = 0.023m;

    /// <summary>A gigabyte (10⁹ bytes) read from outside the provider's region; 0 from inside, and at providers that charge nothing.</summary>
    public decimal TransferPerGigabyte { get; set; } = 0.09m;
}
