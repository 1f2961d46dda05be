namespace Litestream.Tests.Soak;

/// <summary>What to restore to: a transaction, a moment, or the newest state if neither is given.</summary>
internal readonly record struct RestoreInstant(ulong? Txid, DateTimeOffset? Time)
{
    public override string ToString() =>
        Txid is { } txid ? FormattableString.Invariant($"TXID {txid}") : Time is { } time ? FormattableString.Invariant($"{time:O}") : "newest";
}
