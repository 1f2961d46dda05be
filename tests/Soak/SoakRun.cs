using System.Diagnostics;

namespace Litestream.Tests.Soak;

/// <summary>One soak from its folder to its verdict.</summary>
internal sealed class SoakRun : IAsyncDisposable
{
    private static readonly TimeSpan WriterPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FinalPatience = TimeSpan.FromMinutes(3);

    private readonly SoakOptions _options;
    private readonly TextWriter _output;
    private readonly string _folder;
    private readonly SoakPlace _place;
    private readonly SoakLog _log;
    private readonly Disturbances _disturbances = new(TimeProvider.System);
    private readonly SoakedDatabase[] _databases;
    private readonly ISubject _subject;
    private readonly Verifier _verifier;
    private readonly Sampler _sampler;
    private readonly ProgressLine _progress;
    private readonly SoakFaults _faults;
    private readonly ChaosPlan _chaos;
    private bool _passed;
    private readonly Stopwatch _elapsed = Stopwatch.StartNew();

    /// <summary>Makes the folder; nothing runs yet.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="litestream">Litestream's executable, if it is what is soaked; else null.</param>
    /// <param name="output">For the progress and the verdict.</param>
    /// <param name="isTerminal">Whether the output is one.</param>
    public SoakRun(SoakOptions options, string? litestream, TextWriter output, bool isTerminal)
    {
        _options = options;
        _output = output;
        _folder = Path.GetFullPath(options.Folder);
        string restored = Directory.CreateDirectory(Path.Combine(_folder, "restored")).FullName;
        _log = new SoakLog(Path.Combine(_folder, "soak.jsonl"));
        _place = new SoakPlace(options.Destination, _folder);
        Directory.CreateDirectory(Path.Combine(_folder, "live"));
        _faults = new SoakFaults(options, _folder, _place, Say);
        _databases = [.. Enumerable.Range(0, options.Databases).Select(MakeDatabase)];
        MaintenancePace pace = MaintenancePace.For(options.Duration);
        _subject = MakeSubject(pace, litestream);
        _verifier = new Verifier(_subject, restored, pace, options.LagBound, _disturbances, _log, new Random(options.Seed ^ 0x7E57));
        _sampler = new Sampler(_subject, _databases, Bounds.For(options, _disturbances, TimeProvider.System), _faults.Gate, _disturbances, _log, TimeProvider.System);
        _progress = new ProgressLine(options, output, isTerminal);
        _chaos = new ChaosPlan(
            _faults.Make(_subject, _databases, _disturbances), _subject, _databases, _disturbances, _log, ChaosPace.For(options), options.Seed);
    }

    /// <summary>The log's path.</summary>
    public string LogPath => _log.Path;

    /// <summary>Soaks.</summary>
    /// <param name="stop">Ends it early, and in order: what was written until then is still checked.</param>
    /// <returns>Whether nothing differed and every bound was kept.</returns>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        _log.Write("begin", new { options = _options, databases = _databases.Select(database => new { database.Name, database.Path, database.Replica }) });
        _output.WriteLine($"Soaking {_databases.Length} database(s) for {_options.Duration} in {_folder}; seed {_options.Seed}.");
        SoakFailure? failure = null;
        try
        {
            foreach (SoakedDatabase database in _databases)
            {
                database.Writer.Resume();
                await AwaitFirstCommitAsync(database, stop);
            }

            await SoakAsync(stop);
            await FinishAsync();
            await _subject.StopAsync();
            foreach (SoakedDatabase database in _databases)
            {
                ReplicaRules.CheckLeftovers(database);
            }
        }
        catch (SoakFailure e)
        {
            failure = e;
        }
        catch (Exception e) when (e is CommandFailedException or ConsoleEndedException)
        {
            failure = new SoakFailure("command", e.Message);
        }

        _progress.End();
        Conclude(failure);
        _passed = failure is null;
        return _passed;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SoakedDatabase database in _databases)
        {
            await database.Writer.DisposeAsync();
        }

        await _subject.DisposeAsync();
        await _faults.DisposeAsync();
        _log.Dispose();
        if (_passed)
        {
            _faults.Unmount();
        }
        else if (_options.Chaos.Count > 0)
        {
            _output.WriteLine($"Small disks stay mounted below {_folder}; umount them when they have been looked at.");
        }
    }

    private void Say(string text)
    {
        _output.WriteLine(text);
        _log.Write("said", new { text });
    }

    private SoakedDatabase MakeDatabase(int number)
    {
        string name = $"db{number}";
        string path = Path.Combine(_folder, "live", $"{name}.db");
        return new SoakedDatabase(
            name, path, _place.Of(name, _faults.Gate?.Endpoint), _place.Of(name, gate: null), new WriterProcess(path, _options, _options.Seed + number));
    }

    private ISubject MakeSubject(MaintenancePace pace, string? litestream) => litestream is null
        ? new CmdletSubject(_databases, pace, _faults.Environment, _log)
        : new LitestreamSubject(_databases, litestream, Path.Combine(_folder, "litestream.yml"), _options.SyncInterval, _log);

    /// <summary>Everything at once; the first failure ends it all.</summary>
    private async Task SoakAsync(CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        end.CancelAfter(_options.Duration);
        Task[] all = [_sampler.RunAsync(end.Token), VerifyAsync(end.Token), ShowAsync(end.Token), BreakAsync(end.Token)];
        try
        {
            await await Task.WhenAny(all);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The time is over.
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // One that failed while the others were ending is not lost.
        if (all.Select(task => task.Exception?.InnerException).OfType<SoakFailure>().FirstOrDefault() is { } late)
        {
            throw late;
        }
    }

    private async Task VerifyAsync(CancellationToken end)
    {
        using PeriodicTimer timer = new(_options.Interval);
        for (int turn = 0; await timer.WaitForNextTickAsync(end); turn++)
        {
            await _verifier.CheckAsync(_databases[turn % _databases.Length], end);
        }
    }

    private async Task BreakAsync(CancellationToken end)
    {
        await _chaos.RunAsync(end);
        await Task.Delay(Timeout.InfiniteTimeSpan, end); // nothing is to be broken
    }

    private async Task ShowAsync(CancellationToken end)
    {
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(1));
        while (await timer.WaitForNextTickAsync(end))
        {
            _progress.Show(_elapsed.Elapsed, _sampler.Latest, _verifier);
        }
    }

    /// <summary>The writers end; every database must come back as it was left.</summary>
    private async Task FinishAsync()
    {
        await Task.WhenAll(_databases.Select(database => database.Writer.PauseAsync(inOrder: true)));
        using CancellationTokenSource limit = new(FinalPatience * _databases.Length);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        Task looking = _sampler.RunAsync(end.Token);
        try
        {
            foreach (SoakedDatabase database in _databases)
            {
                while (!await _verifier.CheckAsync(database, limit.Token))
                {
                    await Task.Delay(500, limit.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw new SoakFailure("behind", $"The replica has not caught up within {FinalPatience} after the last commit.");
        }
        finally
        {
            await end.CancelAsync();
            await looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task AwaitFirstCommitAsync(SoakedDatabase database, CancellationToken stop)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            await Task.Delay(100, stop);
            try
            {
                if (File.Exists(database.Path + "-wal"))
                {
                    using LiveLock live = LiveLock.Take(database.Path);
                    if (live.Changes() > 0)
                    {
                        return;
                    }
                }
            }
            catch (InvalidOperationException) when (waited.Elapsed < WriterPatience)
            {
                // The tables are not there yet.
            }

            if (waited.Elapsed > WriterPatience || await database.Writer.FailureAsync() is not null)
            {
                throw new InvalidOperationException($"The writer of {database.Name} has not begun: {(await database.Writer.FailureAsync())?.Text}");
            }
        }
    }

    private void Conclude(SoakFailure? failure)
    {
        Peaks peaks = _sampler.Peaks;
        Sample? last = _sampler.Latest;
        var figures = new
        {
            passed = failure is null,
            seconds = Math.Round(_elapsed.Elapsed.TotalSeconds, 1),
            seed = _options.Seed,
            checks = _verifier.Passed,
            restores = _verifier.Restores,
            postponed = _verifier.Postponed,
            faults = _chaos.Done.GroupBy(fault => fault.Name).ToDictionary(group => group.Key, group => group.Count()),
            longestRecoverySeconds = Math.Round(_chaos.Done.Select(fault => fault.Recovered - fault.End).DefaultIfEmpty().Max(), 1),
            transactions = last?.Txids,
            files = last?.Files,
            requests = last?.Requests,
            bytes = last?.Bytes,
            peakLagSeconds = peaks.LagSeconds,
            peakWalBytes = peaks.WalBytes,
            peakMemory = peaks.Memory,
            peakDescriptors = peaks.Descriptors,
            meanCpu = Math.Round(peaks.MeanCpu, 3),
        };
        if (failure is not null)
        {
            _log.Write("failure", new { failure.Kind, failure.Message, failure.Details });
            _output.WriteLine($"FAILED ({failure.Kind}): {failure.Message}");
            _output.WriteLine($"Everything is kept in {_folder}.");
        }

        _log.Write("end", figures);
        _output.WriteLine(FormattableString.Invariant(
            $"{(figures.passed ? "Nothing differed" : "Not passed")}: {figures.checks} checks, {figures.restores} restores compared, {figures.postponed} postponed, {_chaos.Done.Count} faults, in {figures.seconds:0} s; {figures.transactions:N0} transactions, {figures.files:N0} files of {figures.bytes / 1e6:N0} MB sent; WAL at most {figures.peakWalBytes / 1e6:0.0} MB, memory {figures.peakMemory / 1e6:0} MB, descriptors {figures.peakDescriptors}, {figures.meanCpu:P0} of a processor."));
        string report = Path.Combine(_folder, "report.html");
        SoakReport.Write(_log.Path, report);
        _output.WriteLine($"Report: {report}, log: {_log.Path}");
    }
}
