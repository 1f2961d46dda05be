namespace Litestream.Tests.EventWriter;

/// <summary>One commit after another of all that applications do to a database, chosen by a seed.</summary>
internal sealed class MixedWork(EventDatabase database, EventTable table, int seed)
{
    // Beyond it the table shrinks again, so that a long run does not fill the disk.
    private const long MostRows = 40_000;
    private const int MostColumns = 12;

    private readonly Random _random = new(seed ^ 0x5EED);

    /// <summary>Does one piece of work; returns how many commits it was.</summary>
    public int Next(int rows)
    {
        long count = table.LastId - table.FirstId + 1;
        if (count > MostRows)
        {
            return Shrink(count);
        }

        switch (_random.Next(1000))
        {
            case < 620:
                return Commit(() => table.Append(rows));
            case < 760:
                return Commit(() => table.Change(AnyId(count), _random.Next(1, 20)));
            case < 880:
                return Commit(() => table.Remove(AnyId(count), _random.Next(1, 40)));
            case < 920:
                return RollBack();
            case < 945:
                return Commit(RollBackToSavepoint);
            case < 965:
                return Commit(() => table.Append(_random.Next(200, 3000)));
            case < 985:
                return Commit(ChangeSchema);
            case < 995:
                database.Run("PRAGMA incremental_vacuum(100)");
                return 1;
            default:
                database.Execute("VACUUM");
                return 1;
        }
    }

    private int Commit(Action work)
    {
        database.Execute("BEGIN IMMEDIATE");
        work();
        database.Execute("COMMIT");
        return 1;
    }

    private int RollBack()
    {
        (long first, long last) = (table.FirstId, table.LastId);
        database.Execute("BEGIN IMMEDIATE");

        // Now and then enough to spill uncommitted frames into the WAL, which a reader of it must not take for committed.
        table.Append(_random.Next(4) == 0 ? 4000 : 20);
        table.Remove(first, 10);
        database.Execute("ROLLBACK");
        table.Forget(first, last);
        return 0;
    }

    private void RollBackToSavepoint()
    {
        table.Append(5);
        (long first, long last) = (table.FirstId, table.LastId);
        database.Execute("SAVEPOINT inner");
        table.Append(50);
        table.Remove(first, 10);
        database.Execute("ROLLBACK TO inner; RELEASE inner");
        table.Forget(first, last);
        table.Append(1);
    }

    private void ChangeSchema()
    {
        switch (_random.Next(5))
        {
            case 0:
                database.Execute("DROP TABLE IF EXISTS daily; CREATE TABLE daily AS SELECT type, substr(created_at, 1, 10) AS day, count(*) AS n FROM events GROUP BY 1, 2");
                break;
            case 1:
                database.Execute("DROP TABLE IF EXISTS daily");
                break;
            case 2:
                database.Execute("CREATE INDEX IF NOT EXISTS events_by_time ON events(created_at, id)");
                break;
            case 3:
                database.Execute("DROP INDEX IF EXISTS events_by_time");
                break;
            default:
                long columns = database.Query("SELECT count(*) FROM pragma_table_info('events')");
                if (columns < MostColumns)
                {
                    database.Execute($"ALTER TABLE events ADD COLUMN extra{columns} TEXT DEFAULT 'none'");
                }

                break;
        }
    }

    private int Shrink(long count)
    {
        Commit(() => table.Remove(table.FirstId, count * _random.Next(5, 10) / 10));
        database.Run("PRAGMA incremental_vacuum");
        return 2;
    }

    private long AnyId(long count) => table.FirstId + (count > 0 ? _random.NextInt64(count) : 0);
}
