using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Maintenance;

/// <summary>What a replica costs, reckoned from the files that a day of known work leaves.</summary>
public sealed class ReplicaMeterTests
{
    private static readonly DateTimeOffset Midnight = new(2026, 3, 4, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_day_of_a_commit_a_second_is_told_by_what_is_left_of_it()
    {
        // Of 86,400 captures of 1,000 bytes the last 300 are left, of each level's merges all, of the images yesterday's and today's.
        const ulong first = 1001;
        const ulong last = first + 86_399;
        List<ReplicaFile> files = [Image(first - 1, Midnight), Image(last, Midnight.AddDays(1))];
        for (ulong txid = last - 299; txid <= last; txid++)
        {
            files.Add(new ReplicaFile(0, new LtxFileName(txid, txid), 1000, Midnight.AddSeconds(txid - first + 1)));
        }

        foreach ((int level, ulong each) in new[] { (1, 30UL), (2, 300UL), (3, 3600UL) })
        {
            for (ulong txid = first; txid <= last; txid += each)
            {
                files.Add(new ReplicaFile(level, new LtxFileName(txid, txid + each - 1), 2000, Midnight.AddSeconds(txid - first + each)));
            }
        }

        ReplicaUsage usage = ReplicaMeter.Reckon(files)!;

        Assert.Equal(86_400, usage.Captures);
        Assert.Equal(2880 + 288 + 24, usage.Merges);
        Assert.InRange(usage.Images, 0.99, 1.0);
        Assert.InRange(usage.BytesWritten, 86_400_000 + (3192 * 2000) + 99e6, 86_400_000 + (3192 * 2000) + 100e6);
        Assert.InRange(usage.Puts, 86_400 + 3192 + 8600, 86_400 + 3192 + 8700); // and the lease every ten seconds
        Assert.InRange(usage.Gets, 86_400 + (2 * 3192), 86_400 + (2 * 3192) + 50);
        Assert.Equal(files.Sum(file => file.Size), usage.BytesStored);
    }

    [Fact]
    public void A_replica_that_only_begins_has_no_changes_yet()
    {
        Assert.Null(ReplicaMeter.Reckon([]));
        ReplicaUsage usage = ReplicaMeter.Reckon([Image(1, Midnight)])!;
        Assert.Equal((0, 0, 100_000_000), (usage.Captures, usage.Merges, usage.BytesStored));
        Assert.True(double.IsFinite(usage.Puts));
    }

    private static ReplicaFile Image(ulong txid, DateTimeOffset time) => new(9, new LtxFileName(1, txid), 100_000_000, time);
}
