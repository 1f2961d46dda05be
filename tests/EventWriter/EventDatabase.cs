using System.Globalization;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.EventWriter;

/// <summary>A connection to the database of events. Used by one thread at a time, but for <see cref="Interrupt"/>.</summary>
internal sealed class EventDatabase : IDisposable
{
    private const int BusyMilliseconds = 50;
    private static readonly TimeSpan BusyPatience = TimeSpan.FromSeconds(60);

    private readonly CancellationToken _stop;
    private readonly Dictionary<string, sqlite3_stmt> _statements = [];

    /// <summary>Opens or makes a database file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="stop">Ends waiting for locks.</param>
    public EventDatabase(string path, CancellationToken stop)
    {
        _stop = stop;
        int result = sqlite3_open_v2(path, out sqlite3 handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, null);
        Handle = handle;
        Check(result, path);
        sqlite3_busy_timeout(handle, BusyMilliseconds);
    }

    public sqlite3 Handle { get; }

    /// <summary>Runs statements, waiting for locks of others.</summary>
    public void Execute(string sql) => Retry(() => sqlite3_exec(Handle, sql), sql);

    /// <summary>The first column of the first row.</summary>
    public long Query(string sql)
    {
        sqlite3_stmt statement = Prepare(sql);
        Retry(() => sqlite3_step(statement), sql);
        long value = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        return value;
    }

    /// <summary>Runs a statement with an event's columns as its parameters ?1 to ?6.</summary>
    public void Run(string sql, long id, IEventSource source)
    {
        sqlite3_stmt statement = Prepare(sql);
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_text(statement, 2, source.Type);
        sqlite3_bind_text(statement, 3, source.Actor);
        sqlite3_bind_text(statement, 4, source.Repository);
        sqlite3_bind_text(statement, 5, source.CreatedAt);
        sqlite3_bind_text(statement, 6, source.Json);
        int result = sqlite3_step(statement);
        sqlite3_reset(statement);
        Check(result, sql);
    }

    /// <summary>Runs a statement with numbers as its parameters.</summary>
    public void Run(string sql, params ReadOnlySpan<long> values)
    {
        sqlite3_stmt statement = Prepare(sql);
        for (int i = 0; i < values.Length; i++)
        {
            sqlite3_bind_int64(statement, i + 1, values[i]);
        }

        Retry(
            () =>
            {
                int result;
                do
                {
                    result = sqlite3_step(statement);
                }
                while (result == SQLITE_ROW);
                sqlite3_reset(statement);
                return result;
            },
            sql);
    }

    /// <summary>Ends what runs on this connection, from any thread.</summary>
    public void Interrupt() => sqlite3_interrupt(Handle);

    /// <summary>Undoes an open transaction, if there is one.</summary>
    public void Rollback()
    {
        if (sqlite3_get_autocommit(Handle) == 0)
        {
            sqlite3_exec(Handle, "ROLLBACK");
        }
    }

    public void Dispose()
    {
        foreach (sqlite3_stmt statement in _statements.Values)
        {
            statement.Dispose();
        }

        Handle.Dispose();
    }

    private sqlite3_stmt Prepare(string sql)
    {
        if (!_statements.TryGetValue(sql, out sqlite3_stmt? statement))
        {
            Check(sqlite3_prepare_v2(Handle, sql, out statement), sql);
            _statements.Add(sql, statement);
        }

        return statement;
    }

    private void Retry(Func<int> action, string what)
    {
        long begin = TimeProvider.System.GetTimestamp();
        int result = action();
        while ((result & 0xFF) is SQLITE_BUSY or SQLITE_LOCKED && TimeProvider.System.GetElapsedTime(begin) < BusyPatience)
        {
            _stop.ThrowIfCancellationRequested();
            result = action();
        }

        Check(result, what);
    }

    private void Check(int result, string what)
    {
        if (result is SQLITE_OK or SQLITE_ROW or SQLITE_DONE)
        {
            return;
        }

        string message = string.Create(CultureInfo.InvariantCulture, $"{what}: {sqlite3_errmsg(Handle).utf8_to_string()} ({result})");
        throw result == SQLITE_INTERRUPT ? new OperationCanceledException(message) : new InvalidOperationException(message);
    }
}
