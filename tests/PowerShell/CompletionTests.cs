using System.Diagnostics;
using System.Management.Automation;
using System.Net;
using System.Net.Sockets;

namespace Litestream.Tests.PowerShell;

/// <summary>What is offered at a press of Tab.</summary>
[Collection("engine")]
public sealed class CompletionTests : IDisposable
{
    private readonly PowerShellSession _session;
    private readonly TemporaryFolder _folder = new();

    public CompletionTests(PowerShellSession session)
    {
        _session = session;
        EventTable.Make(_folder["app.db"], 3);
        EventTable.Make(_folder["other one.sqlite"], 3);
        File.WriteAllText(_folder["notes.txt"], "");
        Directory.CreateDirectory(_folder["tenants"]);
    }

    [Fact]
    public void Databases_and_folders_are_offered_where_a_database_is_wanted()
    {
        string here = $".{Path.DirectorySeparatorChar}";
        Assert.Equal([here + "tenants", here + "app.db", $"'{here}other one.sqlite'"], Texts("Start-SqliteReplication "));
        Assert.Equal(["./app.db"], Texts("Restore-SqliteDatabase ./r ./a"));
        Assert.Equal([_folder.FullPath + "/tenants"], Texts($"Start-SqliteReplication ./app.db {_folder.FullPath}/t"));
    }

    [Fact]
    public void What_is_replicated_is_offered_by_its_name_and_by_its_path_with_its_places()
    {
        Run("Start-SqliteReplication ./app.db ./replica; Start-SqliteReplication './other one.sqlite' ./second");
        try
        {
            Assert.Equal([_folder["app.db"], $"'{_folder["other one.sqlite"]}'"], Texts("Get-SqliteReplication ").Order(StringComparer.Ordinal).Reverse().OrderBy(text => text.Length));
            Assert.Equal([_folder["app.db"]], Texts("Stop-SqliteReplication ap"));
            Assert.Equal([_folder["app.db"]], Texts("Sync-SqliteReplication ./ap"));
            Assert.Equal([$"'{_folder["other one.sqlite"]}'"], Texts("Suspend-SqliteReplication 'other"));
            Assert.Equal(_folder["replica"], Texts("Test-SqliteReplica rep").First());
            Assert.Contains("litestream_txid", Texts("Get-SqliteReplicationMetric -Name litestream_t"));
        }
        finally
        {
            Run("Stop-SqliteReplication *");
        }
    }

    [Fact]
    public void The_instants_of_the_replica_that_is_named_are_offered_newest_first()
    {
        Run("Start-SqliteReplication ./app.db ./replica -Once");
        using (EventTable more = new(_folder["app.db"]))
        {
            more.Add(1);
        }

        Run("Start-SqliteReplication ./app.db ./replica -Once");

        Assert.Equal(["2", "1"], Texts("Restore-SqliteDatabase ./replica ./x.db -TransactionId "));
        Assert.Equal(["1"], Texts("Restore-SqliteDatabase -Source ./replica -OutputPath ./x.db -TransactionId 1"));
        string[] moments = [.. Texts("Restore-SqliteDatabase ./replica ./x.db -At ")];
        Assert.Contains("'5 minutes ago'", moments);
        PSObject restored = Run($"Restore-SqliteDatabase ./replica ./x.db -PassThru -At {moments[1]}").Single();
        Assert.Equal(1UL, restored.Properties["Txid"].Value);
        Assert.Equal(["'1 hour ago'"], Texts("Restore-SqliteDatabase ./replica ./x.db -At '1 h"));
        Assert.Empty(Texts("Restore-SqliteDatabase ./nowhere ./x.db -TransactionId "));
    }

    [Fact]
    public void A_place_of_this_session_is_offered_again()
    {
        Run("New-SqliteReplicaLocation s3://completed/app -Region eu-central-1");

        Assert.Equal(["s3://completed/app"], Texts("Get-SqliteRestorePoint s3://comp"));
        Assert.Contains("STANDARD_IA", Texts("New-SqliteReplicaLocation s3://x -StorageClass ST"));
    }

    [Fact]
    public void A_store_that_does_not_answer_delays_nobody()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        Run($"New-SqliteReplicaLocation s3://b/silent -Endpoint http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port} -Credential ([pscredential]::new('k', [Net.NetworkCredential]::new('', 's').SecurePassword))");
        string place = Texts("Get-SqliteReplica s3://b/silent").Single(text => text.Contains("endpoint", StringComparison.Ordinal));

        long begin = Stopwatch.GetTimestamp();
        Assert.Empty(Texts($"Restore-SqliteDatabase {place} ./x.db -TransactionId "));
        Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(20));
    }

    public void Dispose() => _folder.Dispose();

    private PowerShellSession.Outcome Run(string script) => _session.RunIn(_folder.FullPath, script).ThrowIfFailed();

    private IEnumerable<string> Texts(string input) => Offers(input).Select(offer => offer.CompletionText);

    private IReadOnlyList<CompletionResult> Offers(string input) => _session.Complete(_folder.FullPath, input);
}
