using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Litestream.Tests.Soak;

/// <summary>
/// This project, used through its cmdlets in a console as a user's script would: one console replicates (its worker process does the
/// work), another restores and lists.
/// </summary>
internal sealed class CmdletSubject(
    IReadOnlyList<SoakedDatabase> databases, MaintenancePace pace, IReadOnlyDictionary<string, string>? environment, SoakLog log) : ISubject
{
    private static readonly JsonSerializerOptions Json = new() { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } };

    // One command at a time waits for an answer; a longer sync is asked for again, so that others get their turn.
    private static readonly TimeSpan SyncTurn = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _forgotten = [];
    private CmdletConsole? _session;
    private CmdletConsole? _restorer;
    private IReadOnlyList<SubjectStatus> _last = [];

    public IReadOnlyList<int> ProcessIds
    {
        get
        {
            lock (_gate)
            {
                int[] all = [.. _last.Select(status => status.ProcessId), .. _session is { HasEnded: false } session ? [session.Id] : Array.Empty<int>()];
                return [.. all.Distinct()];
            }
        }
    }

    public bool CountsTransactions => true;

    public bool IsHeld { get; set; }

    public async Task<IReadOnlyList<SubjectStatus>> LookAsync(CancellationToken stop)
    {
        IReadOnlyList<SubjectStatus> statuses = [];
        try
        {
            if (await SessionAsync() is { } session)
            {
                statuses = await StatusAsync(session, stop);
                if (!IsHeld && await StartMissingAsync(session, statuses, stop))
                {
                    statuses = await StatusAsync(session, stop);
                }
            }
        }
        catch (ConsoleEndedException e)
        {
            log.Write("ended", new { what = "session", e.Message });
            statuses = [];
        }

        lock (_gate)
        {
            _last = statuses;
        }

        return statuses;
    }

    public async Task<ulong?> SyncAsync(SoakedDatabase database, TimeSpan patience, CancellationToken stop)
    {
        Stopwatch waited = Stopwatch.StartNew();
        do
        {
            CmdletConsole? session;
            lock (_gate)
            {
                session = _session;
            }

            if (session is not { HasEnded: false })
            {
                return null;
            }

            try
            {
                string line = string.Create(
                    CultureInfo.InvariantCulture,
                    $"Sync-SqliteReplication {CmdletConsole.Quote(database.Path)} -Timeout {SyncTurn.TotalSeconds} -PassThru");
                ConsoleAnswer answer = await session.RunAsync(line, stop);
                if (answer is { Errors: [], Objects: [JsonElement synced] })
                {
                    return synced.Deserialize<SubjectStatus>(Json)!.ReplicaTxid;
                }
            }
            catch (ConsoleEndedException)
            {
                return null;
            }

            await Task.Delay(50, stop);
        }
        while (waited.Elapsed < patience);
        return null;
    }

    public async Task<RestoredImage> RestoreAsync(SoakedDatabase database, RestoreInstant instant, string output, CancellationToken stop)
    {
        string target = instant.Txid is { } txid ? string.Create(CultureInfo.InvariantCulture, $" -TransactionId {txid}")
            : instant.Time is { } time ? string.Create(CultureInfo.InvariantCulture, $" -At '{time.UtcDateTime:O}'")
            : "";
        ConsoleAnswer answer = await Restorer().RunAsync($"Restore-SqliteDatabase {Place(database)} {CmdletConsole.Quote(output)}{target} -Force -PassThru", stop);
        return new RestoredImage(output, answer.Single().GetProperty("Txid").GetUInt64());
    }

    public async Task<IReadOnlyList<ReplicaEntry>> ListAsync(SoakedDatabase database, CancellationToken stop)
    {
        ConsoleAnswer answer = await Restorer().RunAsync($"Get-SqliteReplica {Place(database)}", stop);
        return [.. answer.ThrowIfFailed().Objects.Select(file => file.Deserialize<ReplicaEntry>(Json)!)];
    }

    public async Task<string?> TestAsync(SoakedDatabase database, CancellationToken stop)
    {
        ConsoleAnswer answer = await Restorer().RunAsync($"Test-SqliteReplica {Place(database)} -Path {CmdletConsole.Quote(database.Path)} -Depth Compare -Detailed", stop);
        string? outcome = answer.Objects is [JsonElement test] ? test.GetProperty("Outcome").GetString() : null;
        return outcome == "Pass" ? null : $"{outcome ?? "no answer"}: {string.Join(" | ", answer.Errors)}";
    }

    public string Kill(Random draw)
    {
        lock (_gate)
        {
            int[] workers = [.. _last.Select(status => status.ProcessId).Distinct()];
            int? session = _session is { HasEnded: false } alive ? alive.Id : null;
            string what = draw.Next(3) switch { 0 => "worker", 1 => "session", _ => "both" };
            if (what != "worker" && session is { } id)
            {
                Signals.Kill(id);
            }

            if (what != "session")
            {
                foreach (int worker in workers)
                {
                    Signals.Kill(worker);
                }
            }

            return what;
        }
    }

    public async Task<string?> StopAsync()
    {
        CmdletConsole? session;
        lock (_gate)
        {
            session = _session;
            _session = null;
            _last = [];
        }

        if (session is null)
        {
            return "nothing ran";
        }

        try
        {
            ConsoleAnswer answer = await session.RunAsync($"{Ours} | Stop-SqliteReplication", CancellationToken.None);
            log.Write("stop", new { process = session.Id, answer.Errors, answer.Warnings });
            return "in order";
        }
        catch (ConsoleEndedException)
        {
            return "had ended already";
        }
        finally
        {
            await session.DisposeAsync();
        }
    }

    public async Task ForgetAsync(SoakedDatabase database, CancellationToken stop)
    {
        ConsoleAnswer answer = await Restorer().RunAsync($"Reset-SqliteReplication {CmdletConsole.Quote(database.Path)} -Confirm:$false", stop);
        answer.ThrowIfFailed();
        lock (_gate)
        {
            _forgotten.Add(database.Path);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (CmdletConsole? console in (CmdletConsole?[])[_session, _restorer])
        {
            if (console is not null)
            {
                await console.DisposeAsync();
            }
        }
    }

    private async Task<IReadOnlyList<SubjectStatus>> StatusAsync(CmdletConsole session, CancellationToken stop)
    {
        ConsoleAnswer answer = await session.RunAsync(Ours, stop);
        return [.. answer.Objects.Select(status => status.Deserialize<SubjectStatus>(Json)!)];
    }

    /// <summary>The replications of the soak: those of the user's other sessions are listed, too, and are none of its business.</summary>
    private string Ours =>
        $"Get-SqliteReplication | Where-Object {{ $_.Path -cin @({string.Join(", ", databases.Select(database => CmdletConsole.Quote(database.Path)))}) }}";

    private static string Place(SoakedDatabase database) => CmdletConsole.Quote(database.Replica);

    private async Task<bool> StartMissingAsync(CmdletConsole session, IReadOnlyList<SubjectStatus> statuses, CancellationToken stop)
    {
        SoakedDatabase[] missing =
            [.. databases.Where(database => !statuses.Any(status => status.Path == database.Path && status.State is not ("Faulted" or "Stopped")))];
        if (missing.Length == 0)
        {
            return false;
        }

        ConsoleAnswer answer = await session.RunAsync(string.Join("; ", missing.Select(StartLine)), stop);
        log.Write("start", new { databases = missing.Length, process = session.Id, answer.Errors, answer.Warnings });
        if (answer.Errors.Count == 0)
        {
            lock (_gate)
            {
                _forgotten.Clear();
            }
        }

        return true;
    }

    private string StartLine(SoakedDatabase database)
    {
        bool adopts;
        lock (_gate)
        {
            adopts = _forgotten.Contains(database.Path);
        }

        return $"$null = Start-SqliteReplication -LiteralPath {CmdletConsole.Quote(database.Path)} -Destination {CmdletConsole.Quote(database.Destination)} {pace.Arguments}{(adopts ? " -AdoptReplica" : "")}";
    }

    /// <summary>The console that replicates, made if there is none and nothing is held.</summary>
    private async Task<CmdletConsole?> SessionAsync()
    {
        CmdletConsole? ended = null;
        CmdletConsole? session;
        lock (_gate)
        {
            if (_session is { HasEnded: true })
            {
                (ended, _session) = (_session, null);
            }

            session = IsHeld ? _session : _session ??= new CmdletConsole(environment);
        }

        if (ended is not null)
        {
            await ended.DisposeAsync();
        }

        return session;
    }

    private CmdletConsole Restorer() => _restorer is { HasEnded: false } alive ? alive : _restorer = new CmdletConsole();
}
