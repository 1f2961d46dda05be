using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Litestream.Diagnostics;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// A folder whose databases this process has replicated, whichever there are just now. It is listed beside them, and ends with this process
/// as they do; stopping it stops them too.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "It ends when it is stopped, or with the process.")]
internal sealed class SessionWatch : ListedReplication
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(10);

    /// <summary>How long the last sync of a database that is gone may take: what is captured of it goes up, and there is no more.</summary>
    private static readonly TimeSpan LastSyncOfGone = TimeSpan.FromSeconds(10);

    private readonly DatabaseWatch _watch;
    private bool _stopped;

    private SessionWatch(DatabaseFolder folder, string destination, Func<string, CancellationToken, Task> begin)
        : base(new ReplicationStatus
        {
            DatabasePath = folder.Path,
            Destinations = [new DestinationStatus { Destination = destination }],
            State = ReplicationState.Streaming,
            Since = TimeProvider.System.GetUtcNow(),
            StartedAt = TimeProvider.System.GetUtcNow(),
        })
    {
        _watch = new DatabaseWatch(folder, begin, EndGoneAsync, LookInterval);
    }

    /// <inheritdoc/>
    internal override int ProcessId => Environment.ProcessId;

    /// <summary>Databases that could not begin, with the reason.</summary>
    internal IReadOnlyList<(string Database, LitestreamException Error)> Failed => _watch.Failed;

    /// <summary>Begins: the databases that are there now are begun with when this returns.</summary>
    /// <param name="folder">Where databases are.</param>
    /// <param name="destination">The common place, for people to read.</param>
    /// <param name="begin">Begins to replicate one in the worker.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LitestreamException">There is no such folder.</exception>
    internal static async Task<SessionWatch> StartAsync(
        DatabaseFolder folder, string destination, Func<string, CancellationToken, Task> begin, CancellationToken cancellationToken)
    {
        SessionWatch watch = new(folder, destination, begin);
        try
        {
            await watch._watch.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await watch._watch.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        SessionReplications.Current.Add(watch);
        return watch;
    }

    /// <inheritdoc/>
    internal override SqliteReplication ToOutput()
    {
        IReadOnlyList<(string Database, LitestreamException Error)> failed = _watch.Failed;
        string? error = _watch.Trouble ?? (failed.Count > 0 ? $"{failed[0].Database}: {failed[0].Error.Message}" : null);
        return SqliteReplication.From(
            Status with
            {
                State = _stopped ? ReplicationState.Stopped : error is null ? ReplicationState.Streaming : ReplicationState.Retrying,
                Detail = string.Create(CultureInfo.InvariantCulture, $"watches the folder; databases: {_watch.Databases.Count}"),
                LastError = error,
            },
            ProcessId);
    }

    /// <inheritdoc/>
    internal override Task<IReadOnlyList<MetricSample>> ReadMetricsAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<MetricSample>>([]);

    /// <inheritdoc/>
    internal override async Task<SqliteReplication> StopAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        SessionReplications.Current.Remove(this);
        await _watch.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_watch.Databases.Select(database => StopAsync(database, limit, cancellationToken))).ConfigureAwait(false);
        _stopped = true;
        return ToOutput();
    }

    /// <inheritdoc/>
    private protected override async Task AskAsync(WorkerRequestKind kind, TimeSpan limit, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> databases = _watch.Databases;
        foreach (SessionReplication member in await SessionReplications.Current.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (databases.Contains(member.Path))
            {
                await (kind switch
                {
                    WorkerRequestKind.Sync => member.SyncAsync(cancellationToken),
                    WorkerRequestKind.Suspend => member.SuspendAsync(limit, cancellationToken),
                    _ => member.ResumeAsync(limit, cancellationToken),
                }).ConfigureAwait(false);
            }
        }
    }

    private static Task EndGoneAsync(string database) => StopAsync(database, LastSyncOfGone, CancellationToken.None);

    private static async Task StopAsync(string database, TimeSpan limit, CancellationToken cancellationToken)
    {
        foreach (SessionReplication member in await SessionReplications.Current.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (DatabasePaths.Same(member.Path, database))
            {
                try
                {
                    await member.StopAsync(limit, cancellationToken).ConfigureAwait(false);
                }
                catch (ReplicationException exception) when (exception.ErrorId == ErrorTable.ReplicationNotFound)
                {
                    // Stopped by itself meanwhile.
                }
            }
        }
    }
}
