namespace Litestream.Tests.Soak;

/// <summary>A replicator under test.</summary>
internal interface ISubject : IAsyncDisposable
{
    /// <summary>Processes of it that run now.</summary>
    IReadOnlyList<int> ProcessIds { get; }

    /// <summary>Whether it numbers what it replicates. If not, its newest state is compared with the live one while nobody may write.</summary>
    bool CountsTransactions { get; }

    /// <summary>Nothing is started meanwhile.</summary>
    bool IsHeld { get; set; }

    /// <summary>Starts what does not run, as a service manager would, and says how each database fares.</summary>
    /// <param name="stop">Ends it.</param>
    Task<IReadOnlyList<SubjectStatus>> LookAsync(CancellationToken stop);

    /// <summary>Waits until everything that is committed is in the replica.</summary>
    /// <param name="database">Which.</param>
    /// <param name="patience">For how long.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>The newest transaction there (0 if the replicator counts none), or null if it was not in time.</returns>
    Task<ulong?> SyncAsync(SoakedDatabase database, TimeSpan patience, CancellationToken stop);

    /// <summary>Restores a database.</summary>
    /// <param name="database">Which.</param>
    /// <param name="instant">To when.</param>
    /// <param name="output">The file to make; one of an earlier restore is replaced.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="CommandFailedException">It cannot be restored.</exception>
    Task<RestoredImage> RestoreAsync(SoakedDatabase database, RestoreInstant instant, string output, CancellationToken stop);

    /// <summary>The files of a database's replica; empty if this replicator's are not looked at.</summary>
    /// <param name="database">Which.</param>
    /// <param name="stop">Ends it.</param>
    Task<IReadOnlyList<ReplicaEntry>> ListAsync(SoakedDatabase database, CancellationToken stop);

    /// <summary>The replicator's own test of a replica against its live database, which stops nobody.</summary>
    /// <param name="database">Which.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>What it found; null if it passed, or if there is no such test.</returns>
    Task<string?> TestAsync(SoakedDatabase database, CancellationToken stop);

    /// <summary>Ends processes of it as <c>kill -9</c> does.</summary>
    /// <param name="draw">Decides which, if there are several.</param>
    /// <returns>What was killed, in words.</returns>
    string Kill(Random draw);

    /// <summary>Ends everything that replicates, with a last sync.</summary>
    /// <returns>What was ended, in words.</returns>
    Task<string?> StopAsync();

    /// <summary>Loses what the replicator keeps beside a database, while it does not run; it will go on with the replica that is there.</summary>
    /// <param name="database">Which.</param>
    /// <param name="stop">Ends it.</param>
    Task ForgetAsync(SoakedDatabase database, CancellationToken stop);
}
