using System.Management.Automation;
using Litestream.PowerShell.Control;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Commands;

/// <summary>A cmdlet about replications of this user: those that this session has started, and those of other processes.</summary>
public abstract class ReplicationCmdlet : AsyncCmdlet
{
    /// <summary>
    /// Runs work on the replications that are named, each once; an error for a path without wildcards that none has.
    /// </summary>
    /// <param name="paths">Paths of databases or patterns for them; null for all.</param>
    /// <param name="work">What to do with them.</param>
    private protected void RunOn(
        string[]? paths, Func<IReadOnlyList<ListedReplication>, CmdletPipeline, CancellationToken, Task> work)
    {
        List<(string Written, string Full)>? patterns = paths is null ? null : [];
        foreach (string path in paths ?? [])
        {
            if (TryResolve(() => DatabasePaths.ResolveLiteral(SessionState, path), path, out string? full))
            {
                patterns!.Add((path, full));
            }
        }

        Run(async (pipeline, stop) =>
        {
            ReplicationListing listing = await ReplicationListing.ReadAsync(stop).ConfigureAwait(false);
            await using (listing.ConfigureAwait(false))
            {
                foreach (string message in listing.Silent)
                {
                    await pipeline.WriteWarningAsync(message, stop).ConfigureAwait(false);
                }

                IReadOnlyList<ListedReplication> selected = await SelectAsync(listing.All, patterns, pipeline, stop).ConfigureAwait(false);
                await work(selected, pipeline, stop).ConfigureAwait(false);
            }
        });
    }

    /// <summary>Changes replications side by side, each if it is confirmed, and says of each what went wrong.</summary>
    /// <param name="selected">Which.</param>
    /// <param name="action">What is done, for the confirmation.</param>
    /// <param name="change">Does it.</param>
    /// <param name="shortfall">What is missing afterwards; null if nothing is.</param>
    /// <param name="passThru">Puts each out as it is afterwards.</param>
    /// <param name="pipeline">Where it goes.</param>
    /// <param name="stop">Gives up waiting.</param>
    private protected async Task ChangeAsync(
        IReadOnlyList<ListedReplication> selected,
        string action,
        Func<ListedReplication, Task> change,
        Func<ListedReplication, ReplicationException?> shortfall,
        bool passThru,
        CmdletPipeline pipeline,
        CancellationToken stop)
    {
        List<(ListedReplication Replication, Task Change)> changes = [];
        foreach (ListedReplication replication in selected)
        {
            string target = replication.ToOutput().ToString();
            if (await pipeline.InvokeAsync(() => ShouldProcess(target, action), stop).ConfigureAwait(false))
            {
                changes.Add((replication, change(replication)));
            }
        }

        foreach ((ListedReplication replication, Task changed) in changes)
        {
            try
            {
                await changed.ConfigureAwait(false);
                if (shortfall(replication) is { } missing)
                {
                    await pipeline.WriteErrorAsync(ErrorTable.Record(missing, replication.Path), stop).ConfigureAwait(false);
                }

                if (passThru)
                {
                    await pipeline.WriteObjectAsync(replication.ToOutput(), stop).ConfigureAwait(false);
                }
            }
            catch (LitestreamException exception)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, replication.Path), stop).ConfigureAwait(false);
            }
        }
    }

    private static async Task<IReadOnlyList<ListedReplication>> SelectAsync(
        IReadOnlyList<ListedReplication> all,
        List<(string Written, string Full)>? patterns,
        CmdletPipeline pipeline,
        CancellationToken stop)
    {
        if (patterns is null)
        {
            return all;
        }

        List<ListedReplication> selected = [];
        foreach ((string written, string full) in patterns)
        {
            ListedReplication[] matches = [.. all.Where(replication => DatabasePaths.Same(replication.Path, full))];
            if (matches.Length == 0 && WildcardPattern.ContainsWildcardCharacters(written))
            {
                matches = [.. all.Where(replication => Matches(replication.Path, written, full))];
            }
            else if (matches.Length == 0)
            {
                ReplicationException missing = new(
                    ErrorTable.ReplicationNotFound, $"No session or service of this user replicates '{full}' on this machine.")
                {
                    Database = full,
                };
                await pipeline.WriteErrorAsync(ErrorTable.Record(missing, full), stop).ConfigureAwait(false);
            }

            selected.AddRange(matches.Except(selected));
        }

        return selected;
    }

    /// <summary>A pattern is meant for the whole path, for the file's name, or for the path below the current location.</summary>
    private static bool Matches(string path, string written, string full)
    {
        WildcardOptions options = OperatingSystem.IsWindows() ? WildcardOptions.IgnoreCase : WildcardOptions.None;
        WildcardPattern pattern = new(written, options);
        return pattern.IsMatch(path) || pattern.IsMatch(Path.GetFileName(path)) || new WildcardPattern(full, options).IsMatch(path);
    }
}
