using System.Globalization;

namespace Litestream.Tests.EventWriter;

/// <summary>One run of the writer, from opening the database to the report.</summary>
internal sealed class WriteRun(WriterOptions options, CancellationToken stop)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan SettleWhenStopped = TimeSpan.FromSeconds(2);

    private readonly List<float> _took = []; // each transaction, in milliseconds
    private long _commits;
    private long _progressAt;
    private long _progressCommits;

    public WriterReport Run()
    {
        string path = Path.GetFullPath(options.Database);
        using ReplicaWatch? watch = options.Replica is null ? null : new ReplicaWatch(Path.GetFullPath(options.Replica));
        using EventDatabase database = new(path, stop);
        using CancellationTokenRegistration interrupt = stop.Register(database.Interrupt);
        EventTable table = new(database, options);
        database.Execute($"PRAGMA wal_autocheckpoint={options.AutoCheckpoint}");
        using CommitLog? log = watch is null ? null : new CommitLog(database.Handle, path, options.PageSize, options.AutoCheckpoint);
        RandomCheckpoints? checkpoints = options.RandomCheckpoints ? new RandomCheckpoints(path, options.Seed) : null;
        long begin = TimeProvider.System.GetTimestamp();
        try
        {
            WriteAll(database, table, begin);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            database.Rollback();
        }
        finally
        {
            checkpoints?.Dispose();
        }

        TimeSpan elapsed = TimeProvider.System.GetElapsedTime(begin);
        LagReport? lag = watch is null ? null : Settle(log!, watch);
        using EventDatabase reader = new(path, CancellationToken.None);
        return new WriterReport(
            _commits,
            table.Rows,
            Math.Round(elapsed.TotalSeconds, 3),
            Math.Round(_commits / Math.Max(elapsed.TotalSeconds, 1e-9), 1),
            table.Bytes,
            reader.Query("PRAGMA page_count") * reader.Query("PRAGMA page_size"),
            Took(0.50),
            Took(0.99),
            checkpoints?.Complete,
            checkpoints?.Busy,
            lag);
    }

    private void WriteAll(EventDatabase database, EventTable table, long begin)
    {
        if (options.Commits is null && options.Seconds is null)
        {
            return;
        }

        BurstPacing? bursts = options.Bursts ? new BurstPacing(options.Rate, options.Seed) : null;
        MixedWork? mix = options.Mix ? new MixedWork(database, table, options.Seed) : null;
        long most = options.Commits ?? long.MaxValue;
        TimeSpan longest = TimeSpan.FromSeconds(options.Seconds ?? 1e6);
        for (long work = 0; _commits < most; work++)
        {
            TimeSpan now = bursts is null ? Pace(begin, work) : bursts.Wait(stop);
            if (now >= longest)
            {
                return;
            }

            stop.ThrowIfCancellationRequested();
            if (mix is not null)
            {
                _commits += mix.Next(options.Rows);
            }
            else
            {
                long transaction = TimeProvider.System.GetTimestamp();
                database.Execute("BEGIN IMMEDIATE");
                table.Append(options.Rows);
                database.Execute("COMMIT");
                _commits++;
                _took.Add((float)TimeProvider.System.GetElapsedTime(transaction).TotalMilliseconds);
            }

            ShowProgress(begin, table);
        }
    }

    private double? Took(double part)
    {
        _took.Sort();
        return _took.Count == 0 ? null : Math.Round(_took[(int)Math.Min(_took.Count - 1, part * _took.Count)], 3);
    }

    /// <summary>Waits until it is time for the next commit; returns how long the run has lasted.</summary>
    private TimeSpan Pace(long begin, long work)
    {
        TimeSpan now = TimeProvider.System.GetElapsedTime(begin);
        if (options.Rate == 0)
        {
            return now;
        }

        TimeSpan due = TimeSpan.FromSeconds((double)work / options.Rate);
        while (now < due && !stop.IsCancellationRequested)
        {
            PreciseSleep.For(due - now < LongestPause ? due - now : LongestPause);
            now = TimeProvider.System.GetElapsedTime(begin);
        }

        return now;
    }

    private LagReport Settle(CommitLog log, ReplicaWatch watch)
    {
        CommitLog.Commit[] commits = log.Commits;
        TimeSpan patience = TimeSpan.FromSeconds(options.Settle);
        long begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            TimeSpan waited = TimeProvider.System.GetElapsedTime(begin);
            LagReport report = LagReport.Between(commits, watch.Arrivals, watch.BeganEmpty);
            if (report.Unmatched == 0 || waited > patience || (stop.IsCancellationRequested && waited > SettleWhenStopped))
            {
                return report;
            }

            Thread.Sleep(20);
        }
    }

    private void ShowProgress(long begin, EventTable table)
    {
        if (!options.Progress)
        {
            return;
        }

        TimeSpan now = TimeProvider.System.GetElapsedTime(begin);
        if (now.TotalSeconds >= _progressAt + 1)
        {
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{now.TotalSeconds,6:F0} s  {_commits,10:N0} commits  {_commits - _progressCommits,7:N0}/s  {table.Rows,11:N0} rows  {table.Bytes / 1e6,9:N1} MB"));
            _progressAt = (long)now.TotalSeconds;
            _progressCommits = _commits;
        }
    }
}
