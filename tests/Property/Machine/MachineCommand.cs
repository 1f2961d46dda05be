namespace Litestream.Tests.Properties.Machine;

/// <summary>One thing that happens to a database, its replicator or its replica. Whatever is random about it comes from its own seed,
/// so that it stays what it is when others are left out.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Seed">How.</param>
internal sealed record MachineCommand(MachineCommandKind Kind, int Seed)
{
    private static readonly (MachineCommandKind Kind, int Weight)[] Weights =
    [
        (MachineCommandKind.Insert, 10),
        (MachineCommandKind.Update, 10),
        (MachineCommandKind.Delete, 5),
        (MachineCommandKind.LargeTransaction, 2),
        (MachineCommandKind.Rollback, 4),
        (MachineCommandKind.Savepoints, 4),
        (MachineCommandKind.Vacuum, 2),
        (MachineCommandKind.IncrementalVacuum, 3),
        (MachineCommandKind.ChangeSchema, 3),
        (MachineCommandKind.ApplicationCheckpoint, 8),
        (MachineCommandKind.OpenReader, 2),
        (MachineCommandKind.CloseReader, 3),
        (MachineCommandKind.BeginTransaction, 3),
        (MachineCommandKind.EndTransaction, 5),
        (MachineCommandKind.CloseApplication, 2),
        (MachineCommandKind.PutBackupBack, 1),
        (MachineCommandKind.Look, 10),
        (MachineCommandKind.Capture, 15),
        (MachineCommandKind.Checkpoint, 8),
        (MachineCommandKind.SaveTable, 3),
        (MachineCommandKind.Upload, 10),
        (MachineCommandKind.Synchronize, 5),
        (MachineCommandKind.Crash, 3),
        (MachineCommandKind.PowerCut, 1),
        (MachineCommandKind.Stop, 2),
        (MachineCommandKind.Start, 4),
        (MachineCommandKind.LoseLocalState, 1),
        (MachineCommandKind.Outage, 2),
        (MachineCommandKind.Wait, 8),
        (MachineCommandKind.Maintain, 8),
        (MachineCommandKind.Restore, 4),
    ];

    private static readonly int TotalWeight = Weights.Sum(pair => pair.Weight);

    /// <summary>A command drawn at random.</summary>
    public static MachineCommand Draw(Random random)
    {
        int at = random.Next(TotalWeight);
        int index = 0;
        while ((at -= Weights[index].Weight) >= 0)
        {
            index++;
        }

        return new MachineCommand(Weights[index].Kind, random.Next());
    }
}
