using System.Globalization;
using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Keeps one destination supplied as long as the session lives: connects, finds out where its replica stands, sends what it lacks and
/// then whatever is captured, keeps it small; and begins again after an error that may pass. Capture and the other destinations never wait for it.
/// </summary>
/// <remarks>
/// Where it joins. A replica that ends with a transaction whose file we know by its checksum, or where we left it ourselves, is continued from
/// there, as long as the files behind it are still staged. An empty one, or one of ours that has fallen further behind, gets a full image of what is
/// captured at that moment: capture is pinned there and the place in the line moved behind it in one step on capture's thread, so no file
/// between image and line is missed. Any other replica is refused.
/// Crashes: an image is visible whole or not at all, and only files behind it are sent after it; a crash before leaves the replica as it was,
/// a crash after it a replica that ends with a file of ours, which the next session continues or covers by another image.
/// </remarks>
internal sealed class DestinationLoop(
    Destination place,
    Destination lead,
    CaptureLoop capture,
    StagingArea staging,
    LocalStateFolder folder,
    ulong nodeId,
    ReplicationOptions options,
    ReplicaOwner owner,
    TimeProvider time)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when its replica has been found, or made, ready to be continued for the first time.</summary>
    public Task Joined => _joined.Task;

    /// <summary>Works until cancelled.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LitestreamException">What ends the session: a database or a local state that fails; a conflict at the only destination.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstRetry;
        while (true)
        {
            try
            {
                await place.ConnectAsync(owner, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
                ReplicaCatalogue catalogue = place.Catalogue ??= await JoinAsync(cancellationToken).ConfigureAwait(false);
                _joined.TrySetResult();
                pause = FirstRetry;
                place.Board.Enter(ReplicationState.Streaming);
                await StreamAsync(catalogue, cancellationToken).ConfigureAwait(false);
            }
            catch (LitestreamException e) when (MayPass(e) && !cancellationToken.IsCancellationRequested)
            {
                place.Board.Fail(e);
                await place.DisconnectAsync().ConfigureAwait(false);
                await Task.Delay(pause * (0.75 + (0.5 * Random.Shared.NextDouble())), time, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < options.MaxRetryInterval ? pause * 2 : options.MaxRetryInterval;
            }
            catch (ObjectDisposedException) when (capture.Ended.IsCompletedSuccessfully)
            {
                // The replication ends, and without capture there is no full image: the next start makes it.
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether its replica can be continued as it is, from the cursor on. If not, it needs a full image.</summary>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <exception cref="ReplicaConflictException">The replica is another lineage's.</exception>
    public async Task<bool> TryContinueAsync(CancellationToken cancellationToken)
    {
        ReplicaLineage replica = place.Replica!;
        ulong head = replica.HeadTxid;
        if (head == 0)
        {
            return false;
        }

        bool known = head == place.Uploader.ReplicaTxid && await replica.HeadIsOfAsync(nodeId, cancellationToken).ConfigureAwait(false);
        if (!known && await ChecksumOfAsync(head, cancellationToken).ConfigureAwait(false) is { } checksum)
        {
            known = await replica.EndsWithAsync(head, checksum, cancellationToken).ConfigureAwait(false) == true;
        }

        if (known)
        {
            return staging.TryMove(place.Cursor, head + 1);
        }

        return options.AdoptReplica || await IsRelatedAsync(replica, cancellationToken).ConfigureAwait(false)
            ? false
            : throw replica.Conflict(options.DatabasePath, "was written by another lineage than this database's");
    }

    // What ends the whole session where there is no other destination to go on for.
    private bool MayPass(LitestreamException error) => error switch
    {
        ReplicaConflictException or ReplicaLocationException => options.Destinations.Count > 1,
        ReplicaInUseException or ReplicaUnreachableException or ReplicaAccessDeniedException or ReplicaFileNotFoundException => true,
        LtxFormatException or DestinationLetGoException => true,
        _ => false,
    };

    private async Task<ReplicaCatalogue> JoinAsync(CancellationToken cancellationToken)
    {
        if (await TryContinueAsync(cancellationToken).ConfigureAwait(false))
        {
            return new ReplicaCatalogue(place.Replica!.Files);
        }

        ReplicaFile image = await SendImageAsync(cancellationToken).ConfigureAwait(false);
        place.Board.Update(status => status with
        {
            BaseImages = status.BaseImages + 1,
            FilesUploaded = status.FilesUploaded + 1,
            BytesUploaded = status.BytesUploaded + image.Size,
            ReplicaTxid = image.Name.MaxTxid,
        });
        return new ReplicaCatalogue([.. place.Replica!.Files, image]);
    }

    private async Task<ReplicaFile> SendImageAsync(CancellationToken cancellationToken)
    {
        (PinnedImage Image, CapturedState Captured, DateTimeOffset Timestamp)? pinned = await PinAsync(cancellationToken).ConfigureAwait(false);
        while (pinned is null)
        {
            await Task.Delay(FirstRetry, time, cancellationToken).ConfigureAwait(false); // writers were too quick
            pinned = await PinAsync(cancellationToken).ConfigureAwait(false);
        }

        using PinnedImage image = pinned.Value.Image;
        ulong txid = pinned.Value.Captured.Txid;
        if (txid <= place.Replica!.HeadTxid)
        {
            throw place.Replica.Conflict(options.DatabasePath, string.Create(
                CultureInfo.InvariantCulture,
                $"holds other transactions than this database's, which is at {txid} only; it gets a full image once the database has passed it"));
        }

        uint total = image.Position.PageCount;
        (ReplicaFile file, _) = await Task.Run(
            () => BaseImage.SendSnapshotAsync(image, place.Store, txid, pinned.Value.Timestamp, nodeId, Report, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        return file;

        void Report(uint done) => place.Board.Enter(
            ReplicationState.Starting, string.Create(CultureInfo.InvariantCulture, $"full image {100.0 * done / total:0} %"));
    }

    private Task<(PinnedImage Image, CapturedState Captured, DateTimeOffset Timestamp)?> PinAsync(CancellationToken cancellationToken) => capture.RunAsync(
        session =>
        {
            if (session.TryPinCaptured(options.BusyTimeout) is not { } found)
            {
                return ((PinnedImage Image, CapturedState Captured, DateTimeOffset Timestamp)?)null;
            }

            staging.MoveToEnd(place.Cursor, found.Captured.Txid + 1);
            return (found.Image, found.Captured, session.LastTimestamp);
        },
        cancellationToken);

    private async Task<ulong?> ChecksumOfAsync(ulong txid, CancellationToken cancellationToken)
    {
        if (staging.FileChecksum(txid) is { } staged)
        {
            return staged;
        }

        CapturedState captured = await capture.RunAsync(session => session.Captured, cancellationToken).ConfigureAwait(false);
        return captured.Txid == txid ? captured.FileChecksum : null;
    }

    // After a restore our node id is new, and a replica that lags behind the one that was restored from is known by its writer's.
    private async Task<bool> IsRelatedAsync(ReplicaLineage replica, CancellationToken cancellationToken)
    {
        if (await replica.HeadIsOfAsync(nodeId, cancellationToken).ConfigureAwait(false))
        {
            return true;
        }

        ulong writer = await replica.NewestNodeIdAsync(cancellationToken).ConfigureAwait(false);
        return writer != 0 && lead != place && lead.Replica is { } other && await other.HasFileOfAsync(writer, cancellationToken).ConfigureAwait(false);
    }

    private async Task StreamAsync(ReplicaCatalogue catalogue, CancellationToken cancellationToken)
    {
        ulong head = catalogue.HeadTxid;
        var maintenance = new MaintenanceLoop(
            new StagedFirst(place.Store, folder, after: head), catalogue, capture, place.Uploader, nodeId, options, place.Maintenance, place.Board, time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, place.Lost);
        Task[] running =
        [
            Task.Run(() => place.Uploader.RunAsync(place.Cursor, head, catalogue, end.Token), CancellationToken.None),
            Task.Run(() => maintenance.RunAsync(end.Token), CancellationToken.None),
        ];
        Task first = await Task.WhenAny(running).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (first.IsCanceled && place.Lost.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ReplicaInUseException(
                $"The right to write to '{place.Store.Location}' is lost: another replicator has taken it. Nothing of it was overwritten, and what is captured waits here. Stop that replication, or give this database a place of its own.")
            { Replica = place.Store.Location, Database = options.DatabasePath };
        }

        await first.ConfigureAwait(false);
    }
}
