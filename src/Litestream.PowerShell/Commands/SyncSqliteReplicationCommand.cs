using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Waits until everything committed before the call is in the replica.</para>
/// <para type="description">Returns when every transaction that was committed to the database before the call is durable in its
/// replica. A transaction that is committed later may or may not be there too.</para>
/// </summary>
[Cmdlet(VerbsData.Sync, "SqliteReplication")]
[OutputType(typeof(SqliteReplication))]
public sealed class SyncSqliteReplicationCommand : ReplicationCmdlet
{
    /// <summary>Databases, by path or pattern. All if it is left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicatedDatabaseCompleter))]
    public string[]? Path { get; set; }

    /// <summary>How many seconds to wait at most. Without it the wait has no limit.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Timeout { get; set; }

    /// <summary>Puts the replication out as it is after the sync.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => RunOn(Path, async (selected, pipeline, stop) =>
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (Timeout is { } seconds)
        {
            limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        // All at once, so that the limit is one for all.
        (ListedReplication Replication, Task Sync)[] syncs =
            [.. selected.Select(replication => (replication, replication.SyncAsync(limit.Token)))];
        foreach ((ListedReplication replication, Task sync) in syncs)
        {
            if (await ErrorOfAsync(replication, sync, stop).ConfigureAwait(false) is { } error)
            {
                await pipeline.WriteErrorAsync(error, stop).ConfigureAwait(false);
            }
            else if (PassThru)
            {
                await pipeline.WriteObjectAsync(replication.ToOutput(), stop).ConfigureAwait(false);
            }
        }
    });

    private async Task<ErrorRecord?> ErrorOfAsync(ListedReplication replication, Task sync, CancellationToken stop)
    {
        try
        {
            await sync.ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            SqliteReplication status = replication.ToOutput();
            string why = status.LastError is { } last ? $" The last error: {last}" : "";
            return ErrorTable.Record(
                new ReplicationException(
                    ErrorTable.TimedOut,
                    $"After {Timeout} s, not everything committed to '{replication.Path}' is in '{status.Destination}'. "
                    + $"The replication goes on trying.{why}")
                {
                    Database = replication.Path,
                },
                replication.Path);
        }
        catch (LitestreamException exception)
        {
            return ErrorTable.Record(exception, replication.Path);
        }
    }
}
