using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Maintenance;

/// <summary>Holds a replica, as it lists, against what was promised of it.</summary>
internal sealed class LifeCheck(ReplicaLife life, int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>
    /// The window, and what must and must not be there. Instants to restore: the edges and some at random, or one in each interval
    /// of level 1 that something was captured in.
    /// </summary>
    internal async Task PassAsync(bool everyInstant = false, bool swept = true)
    {
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(life.Store, CancellationToken.None);
        Assert.Equal(life.Head, files.Where(file => file.Level is 0 or 9).Max(file => file.Name.MaxTxid));
        Assert.True(life.Bases.Contains(life.Head) || files.Any(file => file.Level == 0 && file.Name.MaxTxid == life.Head));
        AssertContiguous(files);
        if (swept)
        {
            AssertNothingTooOld(files);
        }

        var points = RestorePoints.Of(life.Store.Location, files);
        DateTimeOffset now = life.Clock.GetUtcNow();
        foreach (DateTimeOffset instant in Instants(now, everyInstant).Distinct())
        {
            await AssertRestoresAsync(files, points, instant, now);
        }
    }

    /// <summary>Restores a transaction by plan, and compares with the image that was captured.</summary>
    internal async Task AssertImageAsync(List<ReplicaFile> files, ulong txid)
    {
        RestorePlan plan = RestorePlanner.Plan(life.Store.Location, files, txid);
        byte[] image = [];
        foreach (ReplicaFile file in plan.Files)
        {
            image = await ApplyAsync(image, file);
        }

        Assert.Equal(life.Captures[txid].Image, image);
        Assert.Equal(life.Captures[txid].Time, plan.Timestamp, TimeSpan.FromMilliseconds(1));
    }

    private IEnumerable<DateTimeOffset> Instants(DateTimeOffset now, bool every)
    {
        DateTimeOffset from = now - life.Options.SnapshotRetention;
        yield return now;
        yield return from;
        yield return now - life.Options.Level0Retention;
        for (int i = 0; i < 3; i++)
        {
            yield return from + (life.Options.SnapshotRetention * _random.NextDouble());
        }

        if (every)
        {
            foreach (DateTimeOffset time in life.Captures.Values.Select(capture => capture.Time).Where(time => time >= from))
            {
                yield return time;
                yield return time + life.Options.Levels[0];
            }
        }
    }

    // What was promised: each capture while level 0 is kept, after that each interval of level 1.
    private async Task AssertRestoresAsync(List<ReplicaFile> files, RestorePoints points, DateTimeOffset instant, DateTimeOffset now)
    {
        ulong newest = CapturedBy(instant);
        if (newest == 0)
        {
            return; // before its birth
        }

        DateTimeOffset interval = new(instant.UtcTicks - (instant.UtcTicks % life.Options.Levels[0].Ticks), TimeSpan.Zero);
        ulong oldest = now - life.Captures[newest].Time < life.Options.Level0Retention ? newest : CapturedBy(interval.AddTicks(-1));
        RestorePoint? point = points.AtOrBefore(instant);
        Assert.True(point is not null || oldest == 0, $"Nothing at or before {instant:O}, at {now:O}.");
        if (point is not null)
        {
            Assert.True(
                point.Txid >= oldest && point.Txid <= newest,
                $"At {now:HH:mm:ss.fff} the state of {instant:HH:mm:ss.fff} is transaction {point.Txid}, not {oldest} to {newest}.\n"
                    + string.Join('\n', files.Select(file => $"{file.Level}/{file.Name.MinTxid}-{file.Name.MaxTxid} {file.Timestamp:HH:mm:ss.fff}")));
            await AssertImageAsync(files, point.Txid);
            Assert.Equal(point.Txid, RestorePlanner.PlanAt(life.Store.Location, files, instant).Txid);
        }
    }

    private ulong CapturedBy(DateTimeOffset instant)
    {
        for (int i = life.Captures.Count - 1; i >= 0; i--)
        {
            if (life.Captures.GetValueAtIndex(i).Time <= instant)
            {
                return life.Captures.GetKeyAtIndex(i);
            }
        }

        return 0;
    }

    private void AssertContiguous(List<ReplicaFile> files)
    {
        foreach (IGrouping<int, ReplicaFile> level in files.Where(file => file.Level < LtxFileName.SnapshotLevel).GroupBy(file => file.Level))
        {
            foreach ((ReplicaFile before, ReplicaFile next) in level.OrderBy(file => file.Name.MaxTxid).Pairwise())
            {
                Assert.True(
                    next.Name.MinTxid <= before.Name.MaxTxid + 1
                        || (next.Name.MinTxid == before.Name.MaxTxid + 2 && life.Bases.Contains(before.Name.MaxTxid + 1)),
                    $"Level {level.Key}: {next.Name} follows {before.Name}.");
            }
        }
    }

    private void AssertNothingTooOld(List<ReplicaFile> files)
    {
        DateTimeOffset from = life.Clock.GetUtcNow() - life.Options.SnapshotRetention;
        ReplicaFile? floor = files.Where(file => file.Level == LtxFileName.SnapshotLevel && file.Timestamp <= from).MaxBy(file => file.Name.MaxTxid);
        foreach (IGrouping<int, ReplicaFile> level in files.GroupBy(file => file.Level))
        {
            ReplicaFile newest = level.MaxBy(file => file.Name.MaxTxid)!;
            Assert.All(level.Where(file => file != newest && file != floor), file => Assert.True(
                floor is null || file.Name.MaxTxid > floor.Name.MaxTxid, $"{level.Key}/{file.Name} is older than {floor?.Name}."));
        }
    }

    private async Task<byte[]> ApplyAsync(byte[] image, ReplicaFile file)
    {
        Stream stream = await life.Store.OpenReadAsync(file.Level, file.Name, 0, null, CancellationToken.None);
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, file.Name.ToString(), CancellationToken.None);
        int pageSize = decoder.Header.PageSize;
        Array.Resize(ref image, (int)decoder.Header.Commit * pageSize);
        byte[] page = new byte[pageSize];
        while (await decoder.ReadPageAsync(page, CancellationToken.None) is var number and not 0)
        {
            page.CopyTo(image, (number - 1) * pageSize);
        }

        return image;
    }
}
