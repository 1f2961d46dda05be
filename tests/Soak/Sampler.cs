namespace Litestream.Tests.Soak;

/// <summary>Looks at the replicator every second: keeps it and the writers running, measures, and holds them to the bounds.</summary>
internal sealed class Sampler(
    ISubject subject, IReadOnlyList<SoakedDatabase> databases, Bounds bounds, StoreGate? gate, Disturbances disturbances, SoakLog log, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly long _begin = time.GetTimestamp();
    private readonly Dictionary<string, SubjectStatus> _before = [];
    private (long At, ProcessUse Use, string Processes) _last;
    private long _files;
    private long _bytes;

    /// <summary>The largest of each figure so far.</summary>
    public Peaks Peaks { get; } = new();

    /// <summary>The newest sample; null before the first.</summary>
    public Sample? Latest { get; private set; }

    /// <summary>Looks again and again until it is told to end.</summary>
    /// <exception cref="SoakFailure">A bound is broken, or a writer has failed.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using PeriodicTimer timer = new(Period, time);
        do
        {
            await LookAsync(stop);
        }
        while (await timer.WaitForNextTickAsync(stop));
    }

    private async Task LookAsync(CancellationToken stop)
    {
        foreach (SoakedDatabase database in databases)
        {
            await TendWriterAsync(database);
        }

        IReadOnlyList<SubjectStatus> statuses = await subject.LookAsync(stop);
        Sample sample = Take(statuses);
        Latest = sample;
        Peaks.Take(sample);
        log.Write("sample", sample);
        foreach (SubjectStatus status in statuses.Where(status => status.LastError is not null && status.LastError != _before.GetValueOrDefault(status.Path)?.LastError))
        {
            log.Write("error", new { status.Path, status.State, status.LastError, broken = disturbances.Active });
        }

        foreach (SubjectStatus status in statuses)
        {
            _before[status.Path] = status;
        }

        bounds.Check(sample, statuses);
    }

    /// <summary>A writer that ended though nobody ended it has met an error that a database must not give it.</summary>
    private async Task TendWriterAsync(SoakedDatabase database)
    {
        if (await database.Writer.FailureAsync() is not { } failure)
        {
            return;
        }

        if (disturbances.Now)
        {
            return; // it would meet the same again
        }

        log.Write("writer", new { database = database.Name, failure = failure.Text, endedAt = failure.At });
        if (!disturbances.Since(failure.At - Period))
        {
            throw new SoakFailure("writer", $"{database.Name}: the application has failed: {failure.Text}");
        }

        database.Writer.Revive();
    }

    private Sample Take(IReadOnlyList<SubjectStatus> statuses)
    {
        foreach (SubjectStatus status in statuses)
        {
            // A new process counts from nothing again.
            SubjectStatus? before = _before.GetValueOrDefault(status.Path);
            bool goesOn = before?.ProcessId == status.ProcessId && before.FilesUploaded <= status.FilesUploaded;
            _files += status.FilesUploaded - (goesOn ? before!.FilesUploaded : 0);
            _bytes += status.BytesUploaded - (goesOn ? before!.BytesUploaded : 0);
        }

        long now = time.GetTimestamp();
        IReadOnlyList<int> ids = subject.ProcessIds;
        string processes = string.Join(' ', ids.Order());
        ProcessUse use = ProcessUse.Of(ids);
        double? cpu = _last.Processes == processes && use.Cpu >= _last.Use.Cpu
            ? (use.Cpu - _last.Use.Cpu) / time.GetElapsedTime(_last.At, now)
            : null;
        _last = (now, use, processes);
        return new Sample
        {
            Seconds = Math.Round(time.GetElapsedTime(_begin, now).TotalSeconds, 2),
            LagSeconds = Math.Round(statuses.Select(status => status.Lag.TotalSeconds).DefaultIfEmpty().Max(), 3),
            WalBytes = databases.Max(database => Length(database.Path + "-wal")),
            DatabaseBytes = databases.Sum(database => Length(database.Path)),
            Memory = use.Memory,
            Descriptors = use.Descriptors,
            Cpu = cpu is null ? null : Math.Round(cpu.Value, 3),
            Files = _files,
            Bytes = _bytes,
            Requests = gate?.Requests ?? 0,
            Txids = statuses.Aggregate(0UL, (sum, status) => sum + status.ReplicaTxid),
            State = statuses.Count == 0 ? "down" : string.Join('+', statuses.Select(status => status.State).Distinct()),
            Broken = disturbances.Active,
        };
    }

    private static long Length(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}
