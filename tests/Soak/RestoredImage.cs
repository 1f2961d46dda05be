using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Soak;

/// <summary>A restored file: its bytes, and what SQLite says of it. The file is opened as immutable, so that asking does not change it.</summary>
internal sealed class RestoredImage : IDisposable
{
    private readonly sqlite3 _database;

    /// <summary>Reads it.</summary>
    /// <param name="path">The restored file.</param>
    /// <param name="txid">What the replicator says it is; 0 if it counts none.</param>
    public RestoredImage(string path, ulong txid)
    {
        Path = path;
        Txid = txid;
        Digest = ImageDigest.Of(File.ReadAllBytes(path));
        string uri = $"file:{Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1";
        Check(sqlite3_open_v2(uri, out _database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, null));
    }

    public string Path { get; }

    public ulong Txid { get; }

    public ImageDigest Digest { get; }

    /// <summary>How many changes to the events it holds.</summary>
    public long Changes => Number("SELECT changes FROM ledger");

    /// <summary>What is wrong with it by SQLite's and the events' own rules; null for nothing.</summary>
    public string? Fault()
    {
        string integrity = Text("PRAGMA integrity_check(5)");
        if (integrity != "ok")
        {
            return $"integrity_check: {integrity}";
        }

        return Number("SELECT rows = (SELECT count(*) FROM events) AND ids = (SELECT ifnull(sum(id), 0) FROM events) FROM ledger") == 1
            ? null
            : "the events are not those that its ledger counts: it is no state that was ever committed";
    }

    public void Dispose() => _database.Dispose();

    private long Number(string sql)
    {
        using sqlite3_stmt statement = Step(sql);
        return sqlite3_column_int64(statement, 0);
    }

    private string Text(string sql)
    {
        using sqlite3_stmt statement = Step(sql);
        return sqlite3_column_text(statement, 0).utf8_to_string();
    }

    private sqlite3_stmt Step(string sql)
    {
        Check(sqlite3_prepare_v2(_database, sql, out sqlite3_stmt statement));
        Check(sqlite3_step(statement));
        return statement;
    }

    private void Check(int result)
    {
        if (result is not (SQLITE_OK or SQLITE_ROW))
        {
            throw new SoakFailure("damaged", $"SQLite cannot read the restored file '{Path}': {sqlite3_errstr(result).utf8_to_string()} ({result}).");
        }
    }
}
