using Litestream.Sqlite;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>Keeps a local copy of a replicated database up to date while others read it.</summary>
/// <remarks>
/// The copy is an ordinary database in rollback mode. Each step brings it from one transaction to a later one:
/// <para>
/// 1. The file's pages are read from the replica, checksum met, and gathered beside the copy. 2. BEGIN EXCLUSIVE: SQLite waits for readers to end their
/// transactions and keeps new ones out; whoever does not end them is waited for, and the lag says so. 3. The position file says, durably,
/// which transaction is being applied on which change counter. 4. A rollback journal with the pages as they are is made
/// durable. 5. The pages are written and flushed. 6. The journal is deleted: this is the commit. 7. The lock goes, the position is written.
/// </para>
/// <para>
/// A crash before 6 leaves a hot journal, which SQLite plays back for the next reader or for us; the change counter is the old one and the position
/// says where it stood. A crash after 6 leaves the next counter, from which the position tells that the step was done. Any other counter means
/// that somebody wrote to the copy: then, and when the replica no longer has what follows the copy's transaction, a full image is restored beside it
/// and the pages that differ are one step. What differs from the replica's image byte for byte is the journal mode and the change counter
/// on page 1 (bytes 18, 19, 24 to 27, 92 to 95): readers could not tell a new state from the old one else.
/// </para>
/// </remarks>
public static class Follower
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Follows until cancelled, or, with <see cref="FollowOptions.Once"/>, until the copy has all that the replica has.</summary>
    /// <param name="options">What and where.</param>
    /// <param name="progress">Told of each step and each trouble; may be null.</param>
    /// <param name="cancellationToken">Ends it; the copy stays as it is, and the next start goes on from there.</param>
    /// <returns>The last status.</returns>
    /// <exception cref="RestoreTargetExistsException">What is at the path is no follower's copy, and Force was not given.</exception>
    /// <exception cref="LitestreamException">With Once, or before there is a copy: what a restore throws.</exception>
    public static async Task<FollowStatus> RunAsync(FollowOptions options, IProgress<FollowStatus>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        string path = FullPath.Of(options.OutputPath);
        IReplicaStore store = options.Source.Open();
        await using (store.ConfigureAwait(false))
        {
            await EnsureCopyAsync(options, path, cancellationToken).ConfigureAwait(false);
            FollowedReplica replica = new(store, TimeProvider.System);
            FollowStatus status = new(0, 0, DateTimeOffset.MinValue, TimeSpan.Zero, null);
            TimeSpan pause = options.Interval;
            while (true)
            {
                bool behind;
                try
                {
                    (status, behind) = await StepAsync(replica, options, path, status, cancellationToken).ConfigureAwait(false);
                    progress?.Report(status);
                    pause = options.Interval;
                }
                catch (LitestreamException e) when (!options.Once)
                {
                    status = status with { Trouble = e.Message };
                    progress?.Report(status);
                    behind = false;
                    pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                }

                if (options.Once && !behind)
                {
                    return status;
                }

                if (!behind)
                {
                    await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private static async Task EnsureCopyAsync(FollowOptions options, string path, CancellationToken cancellationToken)
    {
        File.Delete(FollowStep.SpoolOf(path)); // what a crash has left
        File.Delete(ImageOf(path));
        foreach (string temporary in Directory.Exists(Path.GetDirectoryName(path)) ? DurableFile.TemporariesOf(FollowPosition.PathOf(path)) : [])
        {
            File.Delete(temporary);
        }

        if (File.Exists(path) && FollowPosition.Read(path) is not null && !options.Force)
        {
            return;
        }

        if (File.Exists(path) && !options.Force)
        {
            throw new RestoreTargetExistsException(
                $"'{path}' exists already and is no copy that follows a replica. It was left as it is. Use -Force to replace it, or another path.")
            { File = path };
        }

        FollowPosition.Unknown.Write(path);
        RestoreResult restored = await DatabaseRestorer.RestoreAsync(Image(options, path), progress: null, cancellationToken).ConfigureAwait(false);
        using FollowedDatabase? copy = FollowedDatabase.TryOpen(path, options.BusyTimeout);
        if (copy is not null)
        {
            new FollowPosition(StateOf(restored), copy.ChangeCounter, null).Write(path);
        }
    }

    private static async Task<(FollowStatus Status, bool Behind)> StepAsync(
        FollowedReplica replica, FollowOptions options, string path, FollowStatus last, CancellationToken cancellationToken)
    {
        using FollowedDatabase? copy = FollowedDatabase.TryOpen(path, options.BusyTimeout);
        if (copy is null)
        {
            return (last with { Trouble = Readers }, Behind: false);
        }

        FollowedState state = FollowPosition.StateOf(path, copy.ChangeCounter);
        await replica.LookAsync(state, cancellationToken).ConfigureAwait(false);
        ReplicaFile newest = replica.Newest;
        if (state.Is(newest.Name.MaxTxid, newest.Timestamp))
        {
            return (new FollowStatus(state.Txid, state.Txid, newest.Timestamp, TimeSpan.Zero, null), Behind: false);
        }

        FollowedState reached = await ReachAsync(replica, options, path, copy, state, cancellationToken).ConfigureAwait(false);
        if (ReferenceEquals(reached, state))
        {
            return (last with { Txid = state.Txid, ReplicaTxid = newest.Name.MaxTxid, Trouble = Readers }, Behind: false);
        }

        var time = DateTimeOffset.FromUnixTimeMilliseconds(reached.Timestamp);
        TimeSpan lag = newest.Timestamp - time;
        return (
            new FollowStatus(reached.Txid, newest.Name.MaxTxid, time, lag > TimeSpan.Zero ? lag : TimeSpan.Zero, null),
            Behind: reached.Txid < newest.Name.MaxTxid);
    }

    /// <summary>Brings the copy on by one file, or by a full image. The same state if readers or another follower kept it from it.</summary>
    private static async Task<FollowedState> ReachAsync(
        FollowedReplica replica, FollowOptions options, string path, FollowedDatabase copy, FollowedState state, CancellationToken cancellationToken)
    {
        try
        {
            FollowedState? reached = replica.After(state) is { } next
                ? await ApplyAsync(replica, next, path, copy, state, cancellationToken).ConfigureAwait(false)
                : null;
            return reached ?? await RebaseAsync(options, path, copy, state, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RestoreTargetUnusableException(
                $"What '{path}' lacks could not be gathered beside it: {e.Message} The copy stays as it is, at transaction {state.Txid}. Free some space or check the disk; it is tried again.", e)
            { File = path };
        }
    }

    private const string Readers = "Readers keep a transaction open, so the next state waits for them. It is tried again.";

    private static FollowedState StateOf(RestoreResult restored) => new(restored.Txid, restored.Timestamp.ToUnixTimeMilliseconds(), restored.NodeId);

    /// <summary>Applies a file. Null if it is another lineage's; the same state if readers or another follower kept it from it.</summary>
    private static async Task<FollowedState?> ApplyAsync(
        FollowedReplica replica, ReplicaFile file, string path, FollowedDatabase copy, FollowedState state, CancellationToken cancellationToken)
    {
        FollowStep step = await FollowStep.ReadAsync(replica.Store, file, path, cancellationToken).ConfigureAwait(false);
        await using (step.ConfigureAwait(false))
        {
            if (!replica.GoesOn(state, step.NodeId))
            {
                return null;
            }

            RequirePageSize(step.PageSize, path, copy);
            FollowedState next = new(file.Name.MaxTxid, file.Timestamp.ToUnixTimeMilliseconds(), step.NodeId);
            return TryBegin(copy, path, state) ? Commit(step, path, copy, state, next) : state;
        }
    }

    private static async Task<FollowedState> RebaseAsync(
        FollowOptions options, string path, FollowedDatabase copy, FollowedState state, CancellationToken cancellationToken)
    {
        string image = ImageOf(path);
        try
        {
            RestoreResult restored = await DatabaseRestorer.RestoreAsync(
                Image(options, image) with { Force = true }, progress: null, cancellationToken).ConfigureAwait(false);
            RequirePageSize(restored.PageSize, path, copy);
            if (!TryBegin(copy, path, state))
            {
                return state;
            }

            FollowStep step = FollowStep.Difference(image, copy, cancellationToken);
            await using (step.ConfigureAwait(false))
            {
                return Commit(step, path, copy, state, StateOf(restored));
            }
        }
        finally
        {
            File.Delete(image);
        }
    }

    private static RestoreOptions Image(FollowOptions options, string path) => new()
    {
        Source = options.Source,
        OutputPath = path,
        Force = options.Force,
        IntegrityCheck = options.IntegrityCheck,
        SeedLocalState = false,
        ForFollower = true,
    };

    private static string ImageOf(string path) => path + "-follow-base";

    private static void RequirePageSize(int pageSize, string path, FollowedDatabase copy)
    {
        if (pageSize != copy.PageSize)
        {
            throw new RestoreTargetUnusableException(
                $"The database that '{path}' follows has pages of {pageSize} bytes now, the copy of {copy.PageSize}. The copy stays as it is. Restore it anew with -Force.")
            { File = path };
        }
    }

    /// <summary>Takes the lock, unless readers keep it or another follower was quicker.</summary>
    private static bool TryBegin(FollowedDatabase copy, string path, FollowedState state)
    {
        if (!copy.TryBegin())
        {
            return false;
        }

        if (FollowPosition.StateOf(path, copy.ChangeCounter) == state)
        {
            return true;
        }

        copy.End();
        return false;
    }

    private static FollowedState Commit(FollowStep step, string path, FollowedDatabase copy, FollowedState from, FollowedState to)
    {
        try
        {
            uint counter = copy.ChangeCounter;
            new FollowPosition(from, counter, to).Write(path);
            step.Apply(copy, counter + 1);
            new FollowPosition(to, counter + 1, null).Write(path);
            return to;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RestoreTargetUnusableException(
                $"'{path}' could not be brought from transaction {from.Txid} to {to.Txid}: {e.Message} It stands at one of the two, whole. Free some space or check the disk; it is tried again.", e)
            { File = path };
        }
        finally
        {
            copy.End();
        }
    }
}
