using static SQLitePCL.raw;

namespace Litestream.Tests.EventWriter;

/// <summary>A second connection that checkpoints in every mode at random moments, as a hostile application might.</summary>
internal sealed class RandomCheckpoints : IDisposable
{
    private static readonly int[] Modes =
        [SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL, SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE];

    private readonly EventDatabase _database;
    private readonly Random _random;
    private readonly ManualResetEventSlim _end = new();
    private readonly Thread _thread;
    private Exception? _failure;

    public RandomCheckpoints(string path, int seed)
    {
        _database = new EventDatabase(path, CancellationToken.None);
        _random = new Random(seed ^ 0xC4EC);
        _thread = new Thread(Run) { IsBackground = true, Name = "checkpoints" };
        _thread.Start();
    }

    /// <summary>Checkpoints that copied everything.</summary>
    public long Complete { get; private set; }

    /// <summary>Checkpoints that another connection kept from it.</summary>
    public long Busy { get; private set; }

    public void Dispose()
    {
        _end.Set();
        _thread.Join();
        _database.Dispose();
        _end.Dispose();
        if (_failure is not null)
        {
            throw new InvalidOperationException("The checkpoints failed.", _failure);
        }
    }

    private void Run()
    {
        try
        {
            while (!_end.Wait(_random.Next(_random.Next(2) == 0 ? 5 : 120)))
            {
                int mode = Modes[_random.Next(Modes.Length)];
                int result = sqlite3_wal_checkpoint_v2(_database.Handle, "main", mode, out int log, out int copied);
                if (result == SQLITE_OK && log == copied)
                {
                    Complete++;
                }
                else if (result is SQLITE_OK or SQLITE_BUSY or SQLITE_LOCKED)
                {
                    Busy++;
                }
                else
                {
                    throw new InvalidOperationException($"Checkpoint {mode}: {sqlite3_errmsg(_database.Handle).utf8_to_string()} ({result})");
                }
            }
        }
        catch (InvalidOperationException e)
        {
            _failure = e;
        }
    }
}
