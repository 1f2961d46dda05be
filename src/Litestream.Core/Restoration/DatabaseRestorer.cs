using System.Diagnostics;
using Litestream.Legacy;
using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>Makes a database file from a replica.</summary>
public static class DatabaseRestorer
{
    // A file that listed may be gone when it is opened: a merge has replaced it, or it has expired.
    private const int MaxTries = 5;

    /// <summary>Says which files a restore would read, without reading them.</summary>
    /// <param name="options">What and where to.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored.</exception>
    /// <exception cref="ReplicaGapException">A transaction is missing; names the first missing one and the last good point.</exception>
    public static async Task<RestorePlan> PlanAsync(RestoreOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReplicaStore store = options.Source.Open();
        await using (store.ConfigureAwait(false))
        {
            return await PlanAsync(store, options, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Restores. The target appears whole and verified, or not at all.</summary>
    /// <param name="options">What and where to.</param>
    /// <param name="progress">Told now and then how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends the restore and removes the temporary file.</param>
    /// <exception cref="RestoreTargetExistsException">Something is at the target and Force was not given.</exception>
    /// <exception cref="RestoreTargetInUseException">What is at the target is open somewhere.</exception>
    /// <exception cref="RestoreTargetUnusableException">The target cannot be written.</exception>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored.</exception>
    /// <exception cref="ReplicaGapException">A transaction is missing; names the first missing one and the last good point.</exception>
    /// <exception cref="LtxFormatException">A file of the replica is damaged.</exception>
    /// <exception cref="LegacyGapException">A segment of a replica of Litestream 0.3 is missing; names the last good point.</exception>
    /// <exception cref="LegacyFormatException">A file of a replica of Litestream 0.3 is damaged.</exception>
    /// <exception cref="IntegrityCheckFailedException">SQLite found the result damaged.</exception>
    public static async Task<RestoreResult> RestoreAsync(
        RestoreOptions options, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        RestoreTarget target = RestoreTarget.Check(options.OutputPath, options.Force);
        IReplicaStore store = options.Source.Open();
        await using (store.ConfigureAwait(false))
        {
            for (int attempt = 1; ; attempt++)
            {
                progress?.Report(new RestoreProgress("Listing the replica", 0, 0));
                RestorePlan plan = await PlanAsync(store, options, cancellationToken).ConfigureAwait(false);
                progress?.Report(new RestoreProgress("Restoring pages", 0, plan.Bytes));
                try
                {
                    return await RestoreAsync(store, plan, target, options, progress, cancellationToken).ConfigureAwait(false);
                }
                catch (ReplicaFileNotFoundException) when (attempt < MaxTries)
                {
                }
            }
        }
    }

    private static Task<RestorePlan> PlanAsync(IReplicaStore store, RestoreOptions options, CancellationToken cancellationToken) =>
        options is { TargetTxid: not null, TargetTime: not null }
            ? throw new ArgumentException("A transaction id and a time exclude each other: give one of them.", nameof(options))
            : options.ForFollower ? RestorePlanner.PlanAsync(store, target: null, time: null, cancellationToken)
            : FormatChoice.PlanAsync(store, options.TargetTxid, options.TargetTime, cancellationToken);

    private static async Task<RestoreResult> RestoreAsync(
        IReplicaStore store,
        RestorePlan plan,
        RestoreTarget target,
        RestoreOptions options,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (plan.Legacy is { } legacy)
        {
            return await RestoreLegacyAsync((IRawObjects)store, legacy, target, options, progress, cancellationToken).ConfigureAwait(false);
        }

        long began = Stopwatch.GetTimestamp();
        RestoringFile? file = null;
        LocalStateSeed? seed = null;
        var run = new RestoreRun(store, plan, options.FileRead, progress);
        try
        {
            await run.RunAsync(Create, cancellationToken).ConfigureAwait(false);
            Finish(file!, plan, target, options, progress, () => seed?.Publish(plan.Txid, run.FileChecksum, run.Header.Commit), cancellationToken);
            return new RestoreResult(
                target.Path,
                plan.Txid,
                plan.Timestamp,
                run.Header.Commit,
                run.Header.PageSize,
                plan.Files.Count,
                run.BytesRead,
                Stopwatch.GetElapsedTime(began),
                run.Header.NodeId);
        }
        finally
        {
            seed?.Dispose();
            file?.Dispose();
        }

        (RestoringFile File, LocalStateSeed? Seed) Create(LtxHeader header)
        {
            file = RestoringFile.Create(target.Path, (long)header.Commit * header.PageSize, !options.IsTemporary);
            seed = options.SeedLocalState ? new LocalStateSeed(target.Path, header.PageSize) : null;
            return (file, seed);
        }
    }

    // No local state is seeded: what is replicated next begins a replica of its own.
    private static async Task<RestoreResult> RestoreLegacyAsync(
        IRawObjects objects,
        LegacyPlan plan,
        RestoreTarget target,
        RestoreOptions options,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        using var file = RestoringFile.Create(target.Path, plan.Snapshot.Size, !options.IsTemporary);
        var run = new LegacyRun(objects, plan, file, done => progress?.Report(new RestoreProgress("Restoring pages", done, plan.Bytes)));
        try
        {
            await run.RunAsync(file.SpoolPath, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw RestoringFile.Unusable(target.Path, file.Length, e);
        }

        Finish(file, FormatChoice.Of(plan), target, options, progress, static () => { }, cancellationToken);
        return new RestoreResult(
            target.Path,
            0,
            plan.Timestamp,
            (uint)(file.Length / run.PageSize),
            run.PageSize,
            plan.FileCount,
            run.BytesRead,
            Stopwatch.GetElapsedTime(began),
            Generation: plan.Snapshot.Generation);
    }

    private static void Finish(
        RestoringFile file,
        RestorePlan plan,
        RestoreTarget target,
        RestoreOptions options,
        IProgress<RestoreProgress>? progress,
        Action beforeRename,
        CancellationToken cancellationToken)
    {
        progress?.Report(new RestoreProgress("Flushing to the disk", plan.Bytes, plan.Bytes));
        file.Flush();
        IntegrityCheck check = options.IntegrityCheck == IntegrityCheck.None && plan.Legacy is { IsSettled: false } ? IntegrityCheck.Quick : options.IntegrityCheck;
        if (check != IntegrityCheck.None)
        {
            progress?.Report(new RestoreProgress("Checking the database", plan.Bytes, plan.Bytes));
            file.CloseOnWindows();
            RestoredImageCheck.Run(file.Path, check, plan.Source, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        target.Place(file, () =>
        {
            if (!options.ForFollower)
            {
                FollowPosition.Forget(target.Path);
            }

            beforeRename();
        });
    }
}
