namespace Litestream.Replication;

/// <summary>
/// Follows which databases there are in a folder, and has each replicated as long as it is there. A rename is a database that is gone and a new
/// one: its replica is another place.
/// </summary>
/// <remarks>
/// The system's notices only hasten a look: they get lost, and some file systems give none, so the folder is looked through at an interval as well. In
/// each look those that are gone are ended first. Only then are new files opened to see what they are: under its new name a renamed database
/// is still open here until then, and closing any descriptor of it would drop SQLite's locks.
/// </remarks>
public sealed class DatabaseWatch : IAsyncDisposable
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(250);

    private readonly DatabaseFolder _folder;
    private readonly Func<string, CancellationToken, Task> _begin;
    private readonly Func<string, Task> _end;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Lock _gate = new();
    private readonly HashSet<string> _databases = [];
    private readonly Dictionary<string, (LitestreamException Error, long At)> _failed = [];
    private readonly SemaphoreSlim _noticed = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private FileSystemWatcher? _watcher;
    private Task _running = Task.CompletedTask;
    private string? _trouble;

    /// <summary>Prepares a watch.</summary>
    /// <param name="folder">Where databases are.</param>
    /// <param name="begin">Begins to replicate one; throws if it cannot, and is asked again at a later look.</param>
    /// <param name="end">Ends the replication of one that is gone.</param>
    /// <param name="interval">Longest time between two looks.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public DatabaseWatch(
        DatabaseFolder folder,
        Func<string, CancellationToken, Task> begin,
        Func<string, Task> end,
        TimeSpan interval,
        TimeProvider? time = null)
    {
        (_folder, _begin, _end, _interval, _time) = (folder, begin, end, interval, time ?? TimeProvider.System);
    }

    /// <summary>Full paths of the databases that are replicated.</summary>
    public IReadOnlyList<string> Databases
    {
        get
        {
            lock (_gate)
            {
                return [.. _databases.Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Those that could not begin, with the reason.</summary>
    public IReadOnlyList<(string Database, LitestreamException Error)> Failed
    {
        get
        {
            lock (_gate)
            {
                return [.. _failed.Select(entry => (entry.Key, entry.Value.Error))];
            }
        }
    }

    /// <summary>Why the folder cannot be read just now; null if it can.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Looks once, then goes on in the background until it is disposed.</summary>
    /// <param name="cancellationToken">Ends the first look.</param>
    /// <exception cref="Sqlite.DatabaseNotFoundException">There is no such folder.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_folder.Path))
        {
            throw new Sqlite.DatabaseNotFoundException($"There is no folder '{_folder.Path}'. Nothing was started. Check the path.")
            { File = _folder.Path };
        }

        TryWatch();
        await LookAsync(cancellationToken).ConfigureAwait(false);
        _running = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>Looks through the folder once.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> found;
        try
        {
            found = _folder.Candidates();
            Volatile.Write(ref _trouble, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing is ended for that: each replication says for itself how it is.
            Volatile.Write(ref _trouble, $"'{_folder.Path}' cannot be looked through: {e.Message} What is replicated goes on; new databases are not seen until it can be.");
            return;
        }

        HashSet<string> there = [.. found];
        await Task.WhenAll(Databases.Where(database => !there.Contains(database)).Select(EndAsync)).ConfigureAwait(false);
        Forget(there);
        await Task.WhenAll(New(found).Select(database => BeginAsync(database, cancellationToken))).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _watcher?.Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _noticed.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            if (await _noticed.WaitAsync(_interval, _stop.Token).ConfigureAwait(false))
            {
                // A database comes with more than one notice, and is not whole at the first.
                await Task.Delay(SettleTime, _time, _stop.Token).ConfigureAwait(false);
                await _noticed.WaitAsync(TimeSpan.Zero).ConfigureAwait(false);
            }

            await LookAsync(_stop.Token).ConfigureAwait(false);
        }
    }

    private void TryWatch()
    {
        try
        {
            _watcher = new FileSystemWatcher(_folder.Path)
            {
                IncludeSubdirectories = _folder.Recurse,
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName,
            };
            _watcher.Created += (_, _) => Notice();
            _watcher.Deleted += (_, _) => Notice();
            _watcher.Renamed += (_, _) => Notice();
            _watcher.Error += (_, _) => Notice();
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _watcher?.Dispose(); // the system gives no notices here, or no more of them: the interval remains
            _watcher = null;
        }
    }

    private void Notice()
    {
        lock (_gate)
        {
            if (!_stop.IsCancellationRequested && _noticed.CurrentCount == 0)
            {
                _noticed.Release();
            }
        }
    }

    private void Forget(HashSet<string> there)
    {
        lock (_gate)
        {
            foreach (string gone in _failed.Keys.Where(database => !there.Contains(database)).ToArray())
            {
                _failed.Remove(gone);
            }
        }
    }

    // One that failed is tried again, but not at each look.
    private List<string> New(IEnumerable<string> found)
    {
        List<string> unknown;
        lock (_gate)
        {
            unknown = [.. found.Where(path => !_databases.Contains(path)
                && (!_failed.TryGetValue(path, out (LitestreamException Error, long At) failed) || _time.GetElapsedTime(failed.At) >= _interval * 6))];
        }

        return [.. unknown.Where(DatabaseFolder.IsDatabase)];
    }

    private async Task BeginAsync(string database, CancellationToken cancellationToken)
    {
        try
        {
            await _begin(database, cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                _databases.Add(database);
                _failed.Remove(database);
            }
        }
        catch (LitestreamException e)
        {
            lock (_gate)
            {
                _failed[database] = (e, _time.GetTimestamp());
            }
        }
    }

    private async Task EndAsync(string database)
    {
        await _end(database).ConfigureAwait(false);
        lock (_gate)
        {
            _databases.Remove(database);
        }
    }
}
