using System.Globalization;
using Litestream.Legacy;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>
/// Plans from what stands at a place: a replica as Litestream 0.5 and we write it, one that Litestream 0.3 left, or both, as after an upgrade
/// of Litestream. Of both, the one that gives the newer state is taken.
/// </summary>
internal static class FormatChoice
{
    /// <summary>Lists and plans.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="target">Last transaction id; null for the newest. Litestream 0.3 had none.</param>
    /// <param name="time">Instead of a transaction id: the newest at or before this time; null for any.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored.</exception>
    /// <exception cref="ReplicaGapException">A transaction is missing.</exception>
    /// <exception cref="LegacyGapException">A segment of Litestream 0.3 is missing.</exception>
    public static async Task<RestorePlan> PlanAsync(IReplicaStore store, ulong? target, DateTimeOffset? time, CancellationToken cancellationToken)
    {
        LegacyReplica? legacy = await LegacyReplica.FindAsync(store, cancellationToken).ConfigureAwait(false);
        RestorePlan plan;
        try
        {
            plan = await RestorePlanner.PlanAsync(store, target, time, cancellationToken).ConfigureAwait(false);
        }
        catch (ReplicaNotFoundException e) when (legacy is not null)
        {
            return target is null ? Of(legacy.Plan(time) ?? throw Nothing(store.Location, legacy, time, e)) : throw NoTransactions(store.Location, e);
        }

        if (target is not null || legacy is null)
        {
            return plan;
        }

        // An older one may have gaps: nobody wants it.
        return legacy.NewestBy(time) > plan.Timestamp && legacy.Plan(time) is { } newer && newer.Timestamp > plan.Timestamp
            ? Of(newer) with { PassedOver = plan.Timestamp }
            : plan with { PassedOver = legacy.NewestBy(time) };
    }

    /// <summary>The plan that reads files of Litestream 0.3.</summary>
    /// <param name="legacy">Which files.</param>
    public static RestorePlan Of(LegacyPlan legacy) => new(legacy.Source, [], 0, legacy.Timestamp) { Legacy = legacy };

    private static ReplicaNotFoundException NoTransactions(string source, Exception cause) => new(
        $"The replica at '{source}' was written by Litestream 0.3, which numbers no transactions. Nothing was changed. Restore the newest state, or name a time.",
        cause)
    { Replica = source };

    private static ReplicaNotFoundException Nothing(string source, LegacyReplica legacy, DateTimeOffset? time, ReplicaNotFoundException cause) =>
        legacy.Begin is { } from && time is { } wanted
            ? new ReplicaNotFoundException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The replica of Litestream 0.3 at '{source}' cannot give the state of {wanted.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC: its oldest snapshot is of "
                    + $"{from.UtcDateTime:yyyy-MM-dd HH:mm:ss.fff} UTC. Nothing was changed. Name a later time."),
                cause)
            { Replica = source }
            : new ReplicaNotFoundException(
                $"The replica of Litestream 0.3 at '{source}' has no snapshot to begin with. Nothing was changed. Look for a copy of its folder "
                + "'generations' that has one.",
                cause)
            { Replica = source };
}
