using System.Diagnostics;
using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>A harness that never finds anything is worth nothing: it must fail where a replica is not the database.</summary>
public sealed class SelfTests : IAsyncLifetime, IDisposable
{
    private const int PageSize = 4096;
    private const int ChangedPage = 7;

    private readonly TemporaryFolder _folder = new();
    private readonly SoakLog _log;
    private readonly SoakedDatabase _database;
    private readonly CmdletSubject _subject;
    private readonly Verifier _verifier;

    public SelfTests()
    {
        SQLitePCL.Batteries_V2.Init();
        MaintenancePace pace = MaintenancePace.For(TimeSpan.FromHours(6));
        Disturbances disturbances = new(TimeProvider.System);
        _log = new SoakLog(_folder["soak.jsonl"]);
        _database = new SoakedDatabase("db", _folder["a.db"], _folder["replica"], _folder["replica"], new WriterProcess(_folder["a.db"], new SoakOptions(), 1));
        _subject = new CmdletSubject([_database], pace, environment: null, _log);
        _verifier = new Verifier(_subject, _folder.FullPath, pace, TimeSpan.FromMinutes(1), disturbances, _log, new Random(1));
    }

    public async Task InitializeAsync()
    {
        await RunAsync(
            "dotnet", Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", _database.Path, "--ledger", "--commits", "100");
        await _subject.LookAsync(CancellationToken.None);
        Assert.True(await _verifier.CheckAsync(_database, CancellationToken.None));
    }

    public async Task DisposeAsync() => await _subject.DisposeAsync();

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_page_that_is_not_the_live_one_is_found_and_named()
    {
        // By another process: this one has connections to the database.
        await ChangeByteAsync(_database.Path, ((ChangedPage - 1) * PageSize) + PageSize - 10);

        SoakFailure failure = await Assert.ThrowsAsync<SoakFailure>(() => _verifier.CheckAsync(_database, CancellationToken.None));
        Assert.Equal("difference", failure.Kind);
        Assert.Contains("1 of ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            $"page {ChangedPage} was last written in level 9 0000000000000001-0000000000000001.ltx", failure.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder["db.db"]) && File.Exists(_folder["db.pinned.db"]));
    }

    [Fact]
    public async Task A_replica_that_was_damaged_fails_the_soak()
    {
        string file = Directory.GetFiles(Path.Combine(_folder["replica"], "ltx", "9")).Single();
        await ChangeByteAsync(file, (int)(new FileInfo(file).Length / 2));

        SoakFailure failure = await Assert.ThrowsAsync<SoakFailure>(() => _verifier.CheckAsync(_database, CancellationToken.None));
        Assert.Equal("restore", failure.Kind);
        Assert.Contains("ReplicaCorrupt", failure.Message, StringComparison.Ordinal);
    }

    private static async Task ChangeByteAsync(string path, int offset)
    {
        await RunAsync("sh", "-c", string.Create(
            CultureInfo.InvariantCulture,
            $"b=$(dd if='{path}' bs=1 skip={offset} count=1 status=none | od -An -tu1); printf \"\\\\$(printf %03o $((b ^ 85)))\" | dd of='{path}' bs=1 seek={offset} conv=notrunc status=none"));
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
