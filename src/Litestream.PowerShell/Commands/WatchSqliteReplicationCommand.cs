using System.Management.Automation;
using System.Management.Automation.Host;
using Litestream.PowerShell.Completion;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Shows replications as a table that follows them, until Ctrl-C.</para>
/// <para type="description">Of this session and of the user's other sessions and services. Where the output is no terminal, the replications are
/// put out as objects at each look instead.</para>
/// </summary>
[Cmdlet(VerbsCommon.Watch, "SqliteReplication")]
[OutputType(typeof(SqliteReplication))]
public sealed class WatchSqliteReplicationCommand : ReplicationCmdlet
{
    private const int DefaultWidth = 120;
    private const int DefaultHeight = 50;

    /// <summary>Databases, by path or pattern. All if it is left out.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicatedDatabaseCompleter))]
    public string[]? Path { get; set; }

    /// <summary>The pause between two looks. By default 1s.</summary>
    [Parameter]
    [Duration]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How many looks to take; by default without end.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Count { get; set; } = int.MaxValue;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        WatchTable? table = Host.UI.SupportsVirtualTerminal && !Console.IsOutputRedirected ? new WatchTable() : null;
        for (int look = 1; look <= Count && !PipelineStopToken.IsCancellationRequested; look++)
        {
            RunOn(Path, async (selected, pipeline, stop) =>
            {
                SqliteReplication[] replications = [.. selected.Select(replication => replication.ToOutput())];
                if (table is null)
                {
                    foreach (SqliteReplication replication in replications)
                    {
                        await pipeline.WriteObjectAsync(replication, stop).ConfigureAwait(false);
                    }
                }
                else
                {
                    await pipeline.InvokeAsync(() => Draw(table, replications), stop).ConfigureAwait(false);
                }

                if (look < Count)
                {
                    await Task.Delay(Interval, stop).ConfigureAwait(false);
                }
            });
        }
    }

    private bool Draw(WatchTable table, SqliteReplication[] replications)
    {
        Size window;
        try
        {
            window = Host.UI.RawUI.WindowSize;
        }
        catch (Exception exception) when (exception is HostException or NotImplementedException or IOException)
        {
            window = default;
        }

        int width = window.Width > 0 ? window.Width : DefaultWidth;
        int height = window.Height > 0 ? window.Height : DefaultHeight;
        Host.UI.Write(table.Draw(replications, width, height, DateTime.Now));
        return true;
    }
}
