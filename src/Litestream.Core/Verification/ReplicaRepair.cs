using System.Globalization;
using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>Makes a replica whole again from the live database, in place.</summary>
/// <remarks>
/// Order: one file is written, durable, and read back whole with all other files: what leads from the last good point to the database as it is now, under the
/// next transaction id (<see cref="RepairBasis"/>), or a full image of it. From then on the newest state can be restored. Only then do the damaged files go; what was whole stays, for the instants that it still gives. If
/// anything is damaged that was not before, that file may be: then nothing is deleted. A crash in between leaves the damaged files beside a
/// good one, and the next repair deletes them.
/// </remarks>
public static class ReplicaRepair
{
    private static readonly TimeSpan LastSync = TimeSpan.FromMinutes(10);

    /// <summary>Tests the files of a replica and repairs it if they are damaged or have a gap.</summary>
    /// <param name="options">The database and its one replica. With <see cref="ReplicationOptions.AdoptReplica"/> also one that the database has no record of.</param>
    /// <param name="approve">Asked, with what was found, before anything is written.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaConflictException">Nothing in the replica shows that it is this database's.</exception>
    /// <exception cref="ReplicaInUseException">Somebody replicates to it.</exception>
    public static async Task<RepairReport> RunAsync(
        ReplicationOptions options, Func<VerificationReport, Task<bool>> approve, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(approve);
        ReplicaLocation place = options.Destinations[0];
        VerificationOptions test = new() { Source = place, Depth = VerificationDepth.Files };
        VerificationReport before = await ReplicaVerifier.VerifyAsync(test, null, cancellationToken).ConfigureAwait(false);
        if (before.Outcome != VerificationOutcome.Fail || !await approve(before).ConfigureAwait(false))
        {
            return new RepairReport(before, before, 0, [], BytesSent: 0, IsFullImage: false);
        }

        RebaseBasis basis = await FindBasisAsync(place, Damaged(before), cancellationToken).ConfigureAwait(false);
        DestinationStatus sent = await RebaseAsync(options with { Rebase = basis }, cancellationToken).ConfigureAwait(false);
        ulong txid = sent.ReplicaTxid;
        VerificationReport readBack = await ReplicaVerifier.VerifyAsync(test, null, cancellationToken).ConfigureAwait(false);
        if (readBack.Txid < txid || Damaged(readBack).Except(Damaged(before)).Any())
        {
            return new RepairReport(before, readBack, txid, [], sent.BytesUploaded, sent.BaseImages > 0);
        }

        IReadOnlyList<string> deleted = await DeleteAsync(options.DatabasePath, place, Damaged(readBack), cancellationToken).ConfigureAwait(false);
        VerificationReport after = await ReplicaVerifier.VerifyAsync(test, null, cancellationToken).ConfigureAwait(false);
        return new RepairReport(before, after, txid, deleted, sent.BytesUploaded, sent.BaseImages > 0);
    }

    private static async Task<DestinationStatus> RebaseAsync(ReplicationOptions options, CancellationToken cancellationToken)
    {
        Replicator replicator = new(options with { WaitForReplica = false, WaitForDatabase = false });
        await using (replicator.ConfigureAwait(false))
        {
            await replicator.StartAsync(cancellationToken).ConfigureAwait(false);
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(LastSync);
            await replicator.SyncAsync(limit.Token).ConfigureAwait(false);
            await replicator.StopAsync(limit.Token).ConfigureAwait(false);
            return replicator.Status.Destinations[0];
        }
    }

    private static async Task<RebaseBasis> FindBasisAsync(ReplicaLocation place, string[] damaged, CancellationToken cancellationToken)
    {
        IReplicaStore store = place.Open();
        await using (store.ConfigureAwait(false))
        {
            return await RepairBasis.FindAsync(store, file => damaged.Contains(PlannedFiles.Label(file)), cancellationToken).ConfigureAwait(false);
        }
    }

    // As level and name.
    private static string[] Damaged(VerificationReport report) =>
        [.. report.Findings.Where(finding => finding.ErrorId == "ReplicaCorrupt").Select(finding => finding.File).OfType<string>().Distinct()];

    private static async Task<IReadOnlyList<string>> DeleteAsync(
        string database, ReplicaLocation place, IEnumerable<string> labels, CancellationToken cancellationToken)
    {
        List<string> deleted = [];
        IReplicaStore store = place.Open();
        await using (store.ConfigureAwait(false))
        {
            IReplicaLease lease = await store.AcquireAsync(ReplicaOwner.Current(database, DateTimeOffset.UtcNow), cancellationToken).ConfigureAwait(false);
            await using (lease.ConfigureAwait(false))
            {
                foreach (string label in labels)
                {
                    if (TryParse(label, out int level, out LtxFileName name))
                    {
                        await store.DeleteAsync(level, name, cancellationToken).ConfigureAwait(false);
                        deleted.Add(label);
                    }
                }
            }
        }

        return deleted;
    }

    private static bool TryParse(string label, out int level, out LtxFileName name)
    {
        int slash = label.IndexOf('/', StringComparison.Ordinal);
        level = 0;
        name = default;
        return slash > 0 && int.TryParse(label.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out level)
            && LtxFileName.TryParse(label[(slash + 1)..], out name);
    }
}
