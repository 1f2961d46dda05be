using System.Globalization;
using System.Security.Cryptography;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Properties.Machine;

/// <summary>
/// The application's side: connections that write, read and checkpoint by real SQLite.
/// </summary>
internal sealed class ApplicationModel(string path, int pageSize, int autoVacuum) : IDisposable
{
    private static readonly int[] CheckpointModes =
        [SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL, SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE];

    private sqlite3? _writer;
    private sqlite3? _observer;
    private sqlite3? _reader;

    /// <summary>Whether anything of it is open.</summary>
    public bool IsOpen => _writer is not null;

    /// <summary>Whether a transaction is open that has written and is not committed.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>checksum (SHA-256) of the database as it is committed now, as a file would have it.</summary>
    public string CommittedImage
    {
        get
        {
            Open();
            return Convert.ToHexString(SHA256.HashData(SerializedImage.Of(_observer!)));
        }
    }

    /// <summary>Makes the database, with a table and some rows.</summary>
    public void Create()
    {
        _writer = Connect();
        Execute(_writer, $"PRAGMA page_size={pageSize}; PRAGMA auto_vacuum={autoVacuum}; PRAGMA journal_mode=wal");
        Execute(_writer, "CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); CREATE INDEX i ON t(substr(b, 1, 8))");
        Execute(_writer, Rows(5, pageSize));
        _observer = Connect();
    }

    /// <summary>Does what a command says; what cannot be done now (locked, no such table) is left undone.</summary>
    public void Run(MachineCommand command)
    {
        var random = new Random(command.Seed);
        Open();
        switch (command.Kind)
        {
            case MachineCommandKind.CloseApplication:
                Close();
                break;
            case MachineCommandKind.ApplicationCheckpoint:
                // From the observer: a writer in a transaction cannot.
                sqlite3_wal_checkpoint_v2(_observer!, "main", CheckpointModes[random.Next(4)], out _, out _);
                break;
            case MachineCommandKind.OpenReader:
                _reader ??= Connect();
                Execute(_reader, "BEGIN; SELECT count(*) FROM sqlite_schema");
                break;
            case MachineCommandKind.CloseReader:
                _reader?.Dispose();
                _reader = null;
                break;
            case MachineCommandKind.BeginTransaction when !IsWriting:
                IsWriting = Execute(_writer!, $"BEGIN IMMEDIATE; {Change(random)}");
                break;
            case MachineCommandKind.EndTransaction when IsWriting:
                Execute(_writer!, random.Next(3) == 0 ? "ROLLBACK" : "COMMIT");
                IsWriting = sqlite3_get_autocommit(_writer!) == 0;
                break;
            default:
                Execute(_writer!, Statements(command.Kind, random));
                break;
        }
    }

    /// <summary>Closes every connection. The last one anywhere folds the WAL in.</summary>
    public void Close()
    {
        IsWriting = false;
        _reader?.Dispose();
        _observer?.Dispose();
        _writer?.Dispose();
        (_reader, _observer, _writer) = (null, null, null);
    }

    public void Dispose() => Close();

    private void Open()
    {
        _writer ??= Connect();
        _observer ??= Connect();
    }

    private string Statements(MachineCommandKind kind, Random random) => kind switch
    {
        MachineCommandKind.Insert => Rows(random.Next(1, 4), random.Next(3 * pageSize)),
        MachineCommandKind.Update => $"UPDATE t SET b=randomblob({random.Next(2 * pageSize)}) WHERE id % {random.Next(1, 9)} = 0",
        MachineCommandKind.Delete => $"DELETE FROM t WHERE id % {random.Next(1, 6)} = 0",
        MachineCommandKind.LargeTransaction => $"BEGIN; {Rows(random.Next(20, 200), pageSize)}; DELETE FROM t WHERE id % 7 = 3; COMMIT",
        MachineCommandKind.Rollback when !IsWriting => $"BEGIN; {Change(random)}; {Rows(40, pageSize)}; ROLLBACK",
        MachineCommandKind.Savepoints => $"SAVEPOINT a; {Change(random)}; SAVEPOINT b; {Rows(40, pageSize)}; ROLLBACK TO b; {Change(random)}; RELEASE a",
        MachineCommandKind.Vacuum => "VACUUM",
        MachineCommandKind.IncrementalVacuum => $"PRAGMA incremental_vacuum({random.Next(1, 20)})",
        MachineCommandKind.ChangeSchema when random.Next(2) == 0 => $"DROP TABLE IF EXISTS s{random.Next(3)}",
        MachineCommandKind.ChangeSchema => $"CREATE TABLE IF NOT EXISTS s{random.Next(3)} AS SELECT * FROM t",
        _ => "",
    };

    private string Change(Random random) => random.Next(3) switch
    {
        0 => $"UPDATE t SET b=randomblob({random.Next(2 * pageSize)}) WHERE id % {random.Next(1, 4)} = 0",
        1 => $"DELETE FROM t WHERE id % {random.Next(1, 4)} = 1",
        _ => Rows(random.Next(1, 30), random.Next(2 * pageSize)),
    };

    private static string Rows(int count, int bytes) => string.Create(
        CultureInfo.InvariantCulture,
        $"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO t(b) SELECT randomblob({bytes}) FROM n");

    private sqlite3 Connect()
    {
        Batteries_V2.Init();
        if (sqlite3_open_v2(path, out sqlite3 db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE, null) != SQLITE_OK)
        {
            throw new InvalidOperationException($"SQLite does not open '{path}'.");
        }

        // A small cache spills large transactions into the WAL before they are committed.
        Execute(db, "PRAGMA cache_size=8; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0");
        return db;
    }

    // False if it was not done; a transaction that the statements began is not left open then.
    private static bool Execute(sqlite3 db, string sql)
    {
        bool inside = sqlite3_get_autocommit(db) == 0;
        int code = sqlite3_exec(db, sql);
        if (code != SQLITE_OK && !inside && sqlite3_get_autocommit(db) == 0)
        {
            sqlite3_exec(db, "ROLLBACK");
        }

        return code is SQLITE_OK
            ? true
            : (code & 0xff) is SQLITE_BUSY or SQLITE_LOCKED or SQLITE_ERROR
                ? false
                : throw new InvalidOperationException($"{sql}: {sqlite3_errmsg(db).utf8_to_string()}");
    }
}
