using System.Diagnostics;
using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>
/// Checks one database: takes its write lock, so that the newest committed state is known and stays; has it synced; lets go; restores exactly
/// that state, a random earlier one and the newest, and compares. What it judges by comes from SQLite and from its own record, never
/// from the replicator under test.
/// </summary>
internal sealed class Verifier(
    ISubject subject, string folder, MaintenancePace pace, TimeSpan lagBound, Disturbances disturbances, SoakLog log, Random random)
{
    // A writer waits for the lock meanwhile, as it would for another application.
    private static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(8);

    private const int ChecksATest = 4;

    private static readonly TimeSpan RestoreAgain = TimeSpan.FromMilliseconds(300);

    /// <summary>Checks that were carried through.</summary>
    public int Passed { get; private set; }

    /// <summary>Images that were restored and found right.</summary>
    public int Restores { get; private set; }

    /// <summary>Checks that could not be made, because something was broken on purpose or the replica was behind.</summary>
    public int Postponed { get; private set; }

    /// <summary>Makes one check.</summary>
    /// <param name="database">Which.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>False if it could not be made now.</returns>
    /// <exception cref="SoakFailure">Something is not as it must be.</exception>
    public async Task<bool> CheckAsync(SoakedDatabase database, CancellationToken stop)
    {
        DateTimeOffset begin = DateTimeOffset.UtcNow;
        Stopwatch elapsed = Stopwatch.StartNew();
        try
        {
            if (disturbances.Now || await PinAsync(database, stop) is not var (point, image, synced))
            {
                Postponed++;
                log.Write("postponed", new { database = database.Name, broken = disturbances.Active });
                return false;
            }

            database.Record(point);
            if (subject.CountsTransactions)
            {
                await RestoreAsync(database, new RestoreInstant(point.Txid, null), image, stop);
            }

            string? past = null;
            if (DrawPast(database) is { } instant)
            {
                past = instant.ToString();
                await RestoreAsync(database, instant, null, stop);
            }

            await RestoreAsync(database, default, null, stop);
            ReplicaRules.Check(database, await subject.ListAsync(database, stop), pace, disturbances);
            if (Passed % ChecksATest == 0 && await subject.TestAsync(database, stop) is { } finding)
            {
                throw new CommandFailedException($"Test-SqliteReplica: {finding}");
            }

            Passed++;
            log.Write("check", new
            {
                database = database.Name,
                point.Txid,
                point.Changes,
                point.Digest.Md5,
                past,
                pages = point.Digest.Pages.Length,
                syncMs = (int)synced.TotalMilliseconds,
                checkMs = (int)elapsed.Elapsed.TotalMilliseconds,
            });
            return true;
        }
        catch (Exception e) when (e is CommandFailedException or ConsoleEndedException or InvalidOperationException)
        {
            if (!disturbances.Since(begin))
            {
                throw e is InvalidOperationException
                    ? new SoakFailure("live", $"{database.Name}: the live database cannot be used, though nothing was broken on purpose: {e.Message}")
                    : new SoakFailure("restore", $"{database.Name}: the replica cannot be restored, listed or tested, though nothing was broken on purpose: {e.Message}");
            }

            Postponed++;
            log.Write("postponed", new { database = database.Name, error = e.Message });
            return false;
        }
    }

    private async Task<(RecordedPoint Point, byte[] Image, TimeSpan Synced)?> PinAsync(SoakedDatabase database, CancellationToken stop)
    {
        if (!subject.CountsTransactions)
        {
            return await AwaitEqualAsync(database, stop);
        }

        using LiveLock live = await Task.Run(() => LiveLock.Take(database.Path), stop);
        long changes = live.Changes();
        byte[] image = live.Image();
        Stopwatch waited = Stopwatch.StartNew();
        return await subject.SyncAsync(database, LongestHold, stop) is { } txid
            ? (new RecordedPoint(DateTimeOffset.UtcNow, txid, changes, ImageDigest.Of(image)), image, waited.Elapsed)
            : null;
    }

    /// <summary>
    /// The application ends, and the newest state is restored again and again: within the lag bound it must be the live one. Nobody is
    /// locked out meanwhile, as this replicator writes to the database itself.
    /// </summary>
    private async Task<(RecordedPoint Point, byte[] Image, TimeSpan Synced)?> AwaitEqualAsync(SoakedDatabase database, CancellationToken stop)
    {
        await database.Writer.PauseAsync(inOrder: true);
        DateTimeOffset begin = DateTimeOffset.UtcNow;
        try
        {
            while (!disturbances.Since(begin))
            {
                (RecordedPoint live, byte[] image) = await Task.Run(() => Look(database), stop);
                TimeSpan waited = DateTimeOffset.UtcNow - begin;
                try
                {
                    using RestoredImage restored = await subject.RestoreAsync(database, default, Path.Combine(folder, $"{database.Name}.db"), stop);
                    if (restored.Digest.Md5 == live.Digest.Md5)
                    {
                        return (live, image, waited);
                    }

                    if (waited > lagBound)
                    {
                        throw restored.Fault() is null && restored.Changes < live.Changes
                            ? Behind(database, restored, live, waited)
                            : await DifferenceAsync(database, default, restored, live, image);
                    }
                }
                catch (CommandFailedException) when (waited < lagBound)
                {
                    // There may be no replica yet, or one that is just begun anew.
                }

                await Task.Delay(RestoreAgain, stop);
            }

            return null;
        }
        finally
        {
            database.Writer.Resume();
        }
    }

    private static SoakFailure Behind(SoakedDatabase database, RestoredImage restored, RecordedPoint live, TimeSpan waited) => new(
        "behind",
        string.Create(
            CultureInfo.InvariantCulture,
            $"{database.Name}: {waited.TotalSeconds:0} s after the last commit the newest restore holds {restored.Changes} of {live.Changes} changes: the replica is behind or has lost them."));

    private static (RecordedPoint Point, byte[] Image) Look(SoakedDatabase database)
    {
        using LiveLock live = LiveLock.Take(database.Path);
        byte[] image = live.Image();
        return (new RecordedPoint(DateTimeOffset.UtcNow, 0, live.Changes(), ImageDigest.Of(image)), image);
    }

    /// <summary>A transaction that is young enough to be kept by itself, or any moment that must be kept.</summary>
    private RestoreInstant? DrawPast(SoakedDatabase database)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        RecordedPoint[] young = [.. database.Points.SkipLast(1).Where(point => now - point.Time < pace.Level0 * 0.6 && point.Time > disturbances.MomentsFrom)];
        if (subject.CountsTransactions && young.Length > 0 && random.Next(2) == 0)
        {
            return new RestoreInstant(young[random.Next(young.Length)].Txid, null);
        }

        if (database.Points.Count < 2)
        {
            return null;
        }

        // Litestream refuses a moment after its newest file; what was written since the last check but one is newer than that one.
        DateTimeOffset newest = subject.CountsTransactions ? now : database.Points[^2].Time;
        DateTimeOffset first = database.Points[0].Time;
        DateTimeOffset oldest = now - (pace.Retention * 0.8);
        oldest = new[] { oldest, first, disturbances.MomentsFrom }.Max();
        bool hasNewer = subject.CountsTransactions || database.Points[^1].Changes > database.Points[^2].Changes;
        return newest > oldest && hasNewer ? new RestoreInstant(null, oldest + ((newest - oldest) * random.NextDouble())) : null;
    }

    private async Task RestoreAsync(SoakedDatabase database, RestoreInstant instant, byte[]? live, CancellationToken stop)
    {
        string output = Path.Combine(folder, $"{database.Name}.db");
        using RestoredImage restored = await subject.RestoreAsync(database, instant, output, stop);
        if (instant.Txid is { } wanted && restored.Txid != wanted)
        {
            throw new SoakFailure("instant", $"{database.Name}: {instant} was asked for, TXID {restored.Txid} was restored to {output}.");
        }

        // Whatever was asked for: if the harness saw this very state once, it must be it, byte for byte.
        RecordedPoint? same = database.Points.LastOrDefault(point => subject.CountsTransactions && point.Txid == restored.Txid);
        if (same is not null && same.Digest.Md5 != restored.Digest.Md5)
        {
            throw await DifferenceAsync(database, instant, restored, same, live);
        }

        if (restored.Fault() is { } fault)
        {
            throw new SoakFailure("damaged", $"{database.Name}: restored to {instant} (TXID {restored.Txid}) {output}: {fault}.");
        }

        CheckOrder(database, instant, restored);
        Restores++;
    }

    /// <summary>A state between two that were seen must hold as many changes as lie between theirs; and a moment must not lie in its future.</summary>
    private void CheckOrder(SoakedDatabase database, RestoreInstant instant, RestoredImage restored)
    {
        RecordedPoint? before = database.Points.LastOrDefault(point => subject.CountsTransactions && point.Txid <= restored.Txid);
        RecordedPoint? after = database.Points.FirstOrDefault(point => subject.CountsTransactions && point.Txid >= restored.Txid);
        long changes = restored.Changes;
        bool isYoung = subject.CountsTransactions && instant.Time is { } time && DateTimeOffset.UtcNow - time < pace.Level0 * 0.6;
        TimeSpan grain = isYoung ? TimeSpan.FromSeconds(1) : pace.Levels[^1] * 2;
        RecordedPoint? due = instant.Time is { } moment ? database.Points.LastOrDefault(point => point.Time < moment - grain) : null;
        RecordedPoint? future = instant.Time is { } limit ? database.Points.FirstOrDefault(point => point.Time > limit) : null;
        if (changes < before?.Changes || changes > after?.Changes || changes < due?.Changes || changes > future?.Changes)
        {
            throw new SoakFailure("order", string.Create(
                CultureInfo.InvariantCulture,
                $"{database.Name}: restored to {instant}: TXID {restored.Txid} holds {changes} changes; between {before?.Changes} (TXID {before?.Txid}) and {after?.Changes} (TXID {after?.Txid}) were due, {due?.Changes} at {due?.Time:O} and not more than {future?.Changes} of {future?.Time:O}."));
        }
    }

    private async Task<SoakFailure> DifferenceAsync(
        SoakedDatabase database, RestoreInstant instant, RestoredImage restored, RecordedPoint due, byte[]? live)
    {
        IReadOnlyList<uint> pages = due.Digest.Differences(restored.Digest);
        if (live is not null)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{database.Name}.pinned.db"), live);
        }

        PageOrigin[] origins = !subject.CountsTransactions ? [] : await PageOrigin.FindAsync(database.Replica, restored.Txid, pages);
        return new SoakFailure(
            "difference",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{database.Name}: restored to {instant}: TXID {restored.Txid} is not the image that was committed at {due.Time:O}: {pages.Count} of {due.Digest.Pages.Length} pages differ (MD5 {restored.Digest.Md5}, live {due.Digest.Md5}): {string.Join("; ", origins.Take(10))}. The restored file is {restored.Path}."),
            new { pages = pages.Take(1000), origins });
    }
}
