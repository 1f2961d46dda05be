namespace Litestream.Tests.EventWriter;

/// <summary>The table of events: makes it, fills it, changes rows of it.</summary>
internal sealed class EventTable
{
    private const string Insert = "INSERT INTO events(id, type, actor, repo, created_at, payload) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
    private const string Replace = "UPDATE events SET type=?2, actor=?3, repo=?4, created_at=?5, payload=?6 WHERE id=?1";
    private const int FillRows = 2000;

    private const string Table = """
        CREATE TABLE IF NOT EXISTS events(
            id INTEGER PRIMARY KEY, type TEXT NOT NULL, actor TEXT NOT NULL, repo TEXT NOT NULL,
            created_at TEXT NOT NULL, payload TEXT NOT NULL);
        """;

    private const string Indexes = """
        CREATE INDEX IF NOT EXISTS events_by_repo ON events(repo, created_at);
        CREATE INDEX IF NOT EXISTS events_by_actor ON events(actor);
        CREATE INDEX IF NOT EXISTS events_by_type ON events(type, created_at);
        """;

    // In every committed state: rows = count(*) and ids = sum(id) of the events; changes only grows.
    private const string Ledger = """
        CREATE TABLE IF NOT EXISTS ledger(
            id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL, rows INTEGER NOT NULL, ids INTEGER NOT NULL, at REAL NOT NULL);
        INSERT OR IGNORE INTO ledger SELECT 1, 0, count(*), ifnull(sum(id), 0), unixepoch('subsec') FROM events;
        CREATE TRIGGER IF NOT EXISTS ledger_insert AFTER INSERT ON events BEGIN
            UPDATE ledger SET changes = changes + 1, rows = rows + 1, ids = ids + new.id, at = unixepoch('subsec'); END;
        CREATE TRIGGER IF NOT EXISTS ledger_update AFTER UPDATE ON events BEGIN
            UPDATE ledger SET changes = changes + 1, ids = ids + new.id - old.id, at = unixepoch('subsec'); END;
        CREATE TRIGGER IF NOT EXISTS ledger_delete AFTER DELETE ON events BEGIN
            UPDATE ledger SET changes = changes + 1, rows = rows - 1, ids = ids - old.id, at = unixepoch('subsec'); END;
        """;

    private readonly EventDatabase _database;
    private readonly IEventSource _events;

    /// <summary>Makes the table in a new database, or goes on where an earlier run ended.</summary>
    public EventTable(EventDatabase database, WriterOptions options)
    {
        _database = database;
        _events = options.Events is { } archive ? new ArchivedEvents(archive) : new GitHubEvents(options.Seed);
        bool isNew = database.Query("SELECT count(*) FROM sqlite_schema") == 0;
        bool fills = isNew && options.Size > 0;
        database.Execute($"PRAGMA page_size={options.PageSize}");
        if (isNew)
        {
            database.Execute($"PRAGMA auto_vacuum={(options.Mix ? "incremental" : "none")}; PRAGMA journal_mode=wal");
        }

        if (fills)
        {
            // There is nothing yet that could be lost: no journal, no waiting for the disk, and the indexes in one go later.
            database.Execute("PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA cache_size=-65536");
        }

        database.Execute(Table);
        if (fills)
        {
            Fill(options.Size * 3 / 4);
        }

        database.Execute(Indexes);
        FirstId = database.Query("SELECT ifnull(min(id), 1) FROM events");
        LastId = database.Query("SELECT ifnull(max(id), 0) FROM events");
        Fill(options.Size);
        if (options.Ledger)
        {
            database.Execute($"BEGIN IMMEDIATE; {Ledger}; COMMIT");
        }

        database.Execute($"PRAGMA journal_mode=wal; PRAGMA synchronous={options.Synchronous}; PRAGMA cache_size=-2000");
        if (database.Query("PRAGMA page_size") != options.PageSize)
        {
            throw new InvalidOperationException($"The database has pages of {database.Query("PRAGMA page_size")} bytes, not {options.PageSize}.");
        }
    }

    /// <summary>No row lies below.</summary>
    public long FirstId { get; private set; }

    /// <summary>No row lies above.</summary>
    public long LastId { get; private set; }

    /// <summary>Rows written.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes of JSON written.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds rows, inside the caller's transaction.</summary>
    public void Append(int rows)
    {
        for (int i = 0; i < rows; i++)
        {
            _events.Next();
            _database.Run(Insert, ++LastId, _events);
            Written();
        }
    }

    /// <summary>Writes other content into rows from an id on.</summary>
    public void Change(long id, int rows)
    {
        for (int i = 0; i < rows; i++)
        {
            _events.Next();
            _database.Run(Replace, id + i, _events);
            Written();
        }
    }

    /// <summary>Removes rows from an id on.</summary>
    public void Remove(long id, long rows)
    {
        _database.Run("DELETE FROM events WHERE id >= ?1 AND id < ?2", id, id + rows);
        if (id <= FirstId)
        {
            FirstId = Math.Min(id + rows, LastId + 1);
        }
    }

    /// <summary>Puts the counters back to what they were before a transaction that was rolled back.</summary>
    public void Forget(long firstId, long lastId)
    {
        FirstId = firstId;
        LastId = lastId;
    }

    private void Fill(long size)
    {
        long pageSize = _database.Query("PRAGMA page_size");
        while (_database.Query("PRAGMA page_count") * pageSize < size)
        {
            _database.Execute("BEGIN IMMEDIATE");
            Append(FillRows);
            _database.Execute("COMMIT");
        }
    }

    private void Written()
    {
        Rows++;
        Bytes += _events.Json.Length;
    }
}
