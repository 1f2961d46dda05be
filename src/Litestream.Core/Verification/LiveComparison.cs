using System.Globalization;
using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Sqlite;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>
/// Pins the live database, waits until the replica holds that state, restores it, and compares the two images byte for byte.
/// </summary>
/// <remarks>
/// The replicator captures at moments of its own, so the pinned commit is seldom the end of a replica file. Instead of catching one,
/// the pinned image is moved on to where the file ends, by the frames written since: they are in the WAL as long as we are
/// pinned. The header of each captured file says where it ends (salts and WAL offset). So no writer waits for the test.
/// If nothing was written since the replica's last file, its generation may be over already, with nothing in the new one: then only the comparison itself
/// can tell, and equal images prove it.
/// The pin is let go as soon as the live image has been reduced to a digest, which goes on beside the restore. Equal images have one MD5: it is
/// computed of the live one, and of the restored one only where they differ.
/// </remarks>
internal static class LiveComparison
{
    private const int PagesNamed = 10;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Runs the comparison.</summary>
    /// <param name="options">Which replica and database.</param>
    /// <param name="store">The replica.</param>
    /// <param name="files">Told of the files that the restore reads.</param>
    /// <param name="report">What is known so far.</param>
    /// <param name="progress">Told how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<VerificationReport> RunAsync(
        VerificationOptions options,
        IReplicaStore store,
        FileCheck files,
        VerificationReport report,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (options.DatabasePath is null)
        {
            return report.With(VerificationOutcome.Inconclusive, new VerificationFinding(
                "DatabaseNotNamed", "To compare, the live database must be named. The files of the replica were checked."));
        }

        string path = FullPath.Of(options.DatabasePath);
        SqliteLibrary.Load();
        if (!options.BesideReplicator)
        {
            SqliteLibrary.EnsureAloneInProcess(path);
        }

        long deadline = Environment.TickCount64 + (long)options.Timeout.TotalMilliseconds;
        ulong compared = 0;
        while (true)
        {
            using PinnedImage image = PinnedImage.Open(path, BusyTimeout);
            (ulong txid, bool found, bool proven) = await FindAsync(path, image, store, deadline, compared, cancellationToken).ConfigureAwait(false);
            report = report with { Txid = txid };
            if (!found)
            {
                return report.With(VerificationOutcome.Inconclusive, new VerificationFinding(
                    "ReplicaBehind",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The replica ends with transaction {txid}, and the live database has moved on from there. Within {options.Timeout.TotalSeconds:0.#} s no newer transaction came. Is the replication running? The files of the replica were checked.")));
            }

            VerificationReport result = await CompareAsync(options, files, report, image, txid, progress, cancellationToken).ConfigureAwait(false);
            if (proven || result.Outcome == VerificationOutcome.Pass)
            {
                return result;
            }

            compared = txid; // behind, or idle and different: only something newer can tell
        }
    }

    // Waits until the pinned image, moved on if need be, is or may be the state that the replica ends with.
    private static async Task<(ulong Txid, bool Found, bool Proven)> FindAsync(
        string path,
        PinnedImage image,
        IReplicaStore store,
        long deadline,
        ulong compared,
        CancellationToken cancellationToken)
    {
        WalPosition pinned = image.Position;
        // Only after a repair is a merged file the newest: looked for once, since each level is a request.
        ReplicaFile? merged = await NewestAsync(store, [1, 2, 3, 4, 5, 6, 7, 8], newest: null, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            LtxHeader head = await ReadHeadAsync(store, merged, cancellationToken).ConfigureAwait(false);
            ReplicaReach reach = ReplicaReach.Of(head, pinned);
            if (reach.Holds && TryAdvance(path, image, head))
            {
                return (head.MaxTxid, Found: true, Proven: true);
            }

            if (reach.MayEqual && head.MaxTxid != compared && head.Commit == pinned.PageCount)
            {
                return (head.MaxTxid, Found: true, Proven: false);
            }

            if (Environment.TickCount64 >= deadline)
            {
                return (head.MaxTxid, Found: false, Proven: false);
            }

            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool TryAdvance(string path, PinnedImage image, in LtxHeader head)
    {
        using var wal = new WalFile(path);
        WalPosition target = image.Position with
        {
            Salt1 = head.WalSalt1,
            Salt2 = head.WalSalt2,
            MaxFrame = (uint)((head.WalOffset + head.WalSize - WalHeader.Size) / image.Position.FrameSize),
            PageCount = head.Commit,
            ChangeCounter = null,
        };
        if (target.SameGeneration(image.Position) && target.MaxFrame == image.Position.MaxFrame)
        {
            return true;
        }

        if (target.MaxFrame == 0 || !wal.TryReadFrameHeader(target.EndOffset - target.FrameSize, out WalFrameHeader last))
        {
            return false;
        }

        return image.TryAdvance(target with { Checksum1 = last.Checksum.S0, Checksum2 = last.Checksum.S1 });
    }

    private static async Task<ReplicaFile?> NewestAsync(
        IReplicaStore store, int[] levels, ReplicaFile? newest, CancellationToken cancellationToken)
    {
        foreach (int level in levels)
        {
            await foreach (ReplicaFile file in store.ListAsync(level, cancellationToken).ConfigureAwait(false))
            {
                newest = newest is null || file.Name.MaxTxid > newest.Name.MaxTxid ? file : newest;
            }
        }

        return newest;
    }

    private static async Task<LtxHeader> ReadHeadAsync(IReplicaStore store, ReplicaFile? merged, CancellationToken cancellationToken)
    {
        // The capture first: it says where in the WAL it ends, which a merge of the same transaction may not.
        ReplicaFile? capture = await NewestAsync(store, [0, LtxFileName.SnapshotLevel], newest: null, cancellationToken).ConfigureAwait(false);
        ReplicaFile newest = (merged?.Name.MaxTxid > (capture?.Name.MaxTxid ?? 0) ? merged : capture)
            ?? throw new ReplicaNotFoundException($"There is no replica at '{store.Location}'.") { Replica = store.Location };
        byte[] bytes = new byte[LtxHeader.Length];
        Stream stream = await store.OpenReadAsync(newest.Level, newest.Name, 0, bytes.Length, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            int read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return LtxHeader.Parse(bytes.AsSpan(0, read), newest.Name.ToString());
        }
    }

    private static async Task<VerificationReport> CompareAsync(
        VerificationOptions options,
        FileCheck files,
        VerificationReport report,
        PinnedImage image,
        ulong txid,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        Task<(ImageDigest Digest, string Md5)> reading = Task.Run(() => DigestAndLetGo(image, cancellationToken), CancellationToken.None);
        try
        {
            using var copy = new TemporaryCopy(options, files.Note);
            RestoreResult result = await copy.RestoreAsync(txid, progress, cancellationToken).ConfigureAwait(false);
            Task<ImageDigest> ofCopy = ImageDigest.OfFileAsync(copy.Path, result.PageSize, cancellationToken);
            await copy.CheckAsync(
                options.IntegrityCheck,
                report.Source,
                async () =>
                {
                    await ofCopy.ConfigureAwait(false);
                    await files.ReadRestAsync(progress, cancellationToken).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false);
            ImageDigest restored = await ofCopy.ConfigureAwait(false);
            (ImageDigest live, string liveMd5) = await reading.ConfigureAwait(false);
            bool same = live.IsSameAs(restored);
            string restoredMd5 = same ? liveMd5 : ImageDigest.Md5OfFile(copy.Path, cancellationToken);
            report = report with { Pages = result.Pages, LiveMd5 = liveMd5, RestoredMd5 = restoredMd5, Txid = txid };
            return same ? report : report.With(VerificationOutcome.Fail, new VerificationFinding(
                "ImagesDiffer",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"At transaction {txid} the restored image is not the live one: {live.DescribeDifference(restored, PagesNamed)}. Do not rely on this replica: replicate to a new destination, and keep both for a report.")));
        }
        finally
        {
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the image is ours until it has ended
        }
    }

    private static (ImageDigest Digest, string Md5) DigestAndLetGo(PinnedImage image, CancellationToken cancellationToken)
    {
        using (image)
        {
            return ImageDigest.OfLive(image, cancellationToken);
        }
    }
}
