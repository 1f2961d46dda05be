using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Shows what is replicated: by this session, and by this user's other sessions and services.</para>
/// <para type="description">Each is shown as it is at this moment: what it does, which transaction is captured and which is in the
/// replica, how far the replica is behind, and the last error. One that ended by an error stays listed until it is stopped or its
/// database is started again.</para>
/// </summary>
[Cmdlet(VerbsCommon.Get, "SqliteReplication")]
[OutputType(typeof(SqliteReplication))]
public sealed class GetSqliteReplicationCommand : ReplicationCmdlet
{
    /// <summary>Databases, by path or pattern. All if it is left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicatedDatabaseCompleter))]
    public string[]? Path { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => RunOn(Path, async (selected, pipeline, stop) =>
    {
        foreach (ListedReplication replication in selected)
        {
            await pipeline.WriteObjectAsync(replication.ToOutput(), stop).ConfigureAwait(false);
        }
    });
}
