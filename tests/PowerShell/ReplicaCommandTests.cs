using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class ReplicaCommandTests : IDisposable
{
    private readonly PowerShellSession _session;
    private readonly TemporaryFolder _folder = new();

    public ReplicaCommandTests(PowerShellSession session)
    {
        _session = session;
        EventTable.Make(Database);
        PSObject run = Run("Start-SqliteReplication $args[0] $args[1] -Once", Database, Replica).Single();

        Assert.Equal(1UL, run.Properties["Txid"].Value);
        Assert.Equal(1, run.Properties["BaseImages"].Value);
    }

    private string Database => _folder["a.db"];

    private string Replica => _folder["r"];

    private string Restored => _folder["b.db"];

    [Fact]
    public void Restore_gives_the_database_back_and_says_what_it_did()
    {
        PSObject restore = Run("Restore-SqliteDatabase $args[0] $args[1] -IntegrityCheck Full -PassThru", Replica, Restored).Single();

        Assert.Equal(Restored, restore.Properties["Path"].Value);
        Assert.Equal(new FileInfo(Restored).Length, restore.Properties["Size"].Value);
        Assert.Equal(EventTable.ReadAll(Database), EventTable.ReadAll(Restored));
    }

    [Fact]
    public void Measure_says_when_its_history_is_too_short_for_a_month()
    {
        PSObject warning = Run("Measure-SqliteReplica $args[0] -WarningVariable said -WarningAction SilentlyContinue | ForEach-Object { $said }", Replica).Single();

        Assert.Contains("tells of 0.0 hours only", warning.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Restore_is_silent_without_PassThru() =>
        Assert.Empty(Run("Restore-SqliteDatabase $args[0] $args[1]", Replica, Restored).ThrowIfFailed().Output);

    [Fact]
    public void Restore_WhatIf_shows_the_plan_and_makes_nothing()
    {
        PowerShellSession.Outcome outcome = Run("Restore-SqliteDatabase $args[0] $args[1] -WhatIf", Replica, Restored).ThrowIfFailed();

        Assert.Contains("Restore to TXID 1", outcome.Shown, StringComparison.Ordinal);
        Assert.Contains($"from 1 files", outcome.Shown, StringComparison.Ordinal);
        Assert.False(File.Exists(Restored));
    }

    [Fact]
    public void Restore_leaves_an_existing_file_alone_unless_forced()
    {
        File.WriteAllText(Restored, "mine");

        ErrorRecord error = Run("Restore-SqliteDatabase $args[0] $args[1]", Replica, Restored).SingleError();
        Assert.StartsWith("RestoreTargetExists,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Run("Restore-SqliteDatabase $args[0] $args[1] -IfMissing", Replica, Restored).ThrowIfFailed();
        Assert.Equal("mine", File.ReadAllText(Restored));

        Run("Restore-SqliteDatabase $args[0] $args[1] -Force", Replica, Restored).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(Database), EventTable.ReadAll(Restored));
    }

    [Fact]
    public void Test_of_a_good_replica_is_true_at_every_depth()
    {
        foreach (string depth in new[] { "Files", "Restore", "Compare" })
        {
            Assert.Equal(true, Run("Test-SqliteReplica $args[0] $args[1] -Depth $args[2]", Replica, Database, depth).Single().BaseObject);
        }
    }

    [Fact]
    public void Test_takes_a_replication_from_the_pipeline_and_compares()
    {
        PSObject test = Run(
            "[pscustomobject]@{ Path = $args[0]; Destination = $args[1] } | Test-SqliteReplica -Detailed", Database, Replica).Single();

        Assert.Equal("Compare", test.Properties["Depth"].Value.ToString());
        Assert.Equal("Pass", test.Properties["Outcome"].Value.ToString());
        Assert.Equal(test.Properties["LiveMd5"].Value, test.Properties["RestoredMd5"].Value);
    }

    [Theory]
    [InlineData("-Depth Files", "None")]
    [InlineData("", "Full")]
    [InlineData("-IntegrityCheck Quick", "Quick")]
    [InlineData("-Depth Restore -IntegrityCheck None", "None")]
    public void Test_says_what_SQLite_has_checked(string parameters, string check)
    {
        PSObject test = Run($"Test-SqliteReplica $args[0] $args[1] {parameters} -Detailed", Replica, Database).Single();

        Assert.Equal((check, "Pass"), (test.Properties["IntegrityCheck"].Value.ToString(), test.Properties["Outcome"].Value.ToString()));
    }

    [Fact]
    public void Test_of_a_damaged_replica_is_false_with_an_error_that_names_the_file()
    {
        string file = Directory.GetFiles(Replica, "*.ltx", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);

        PowerShellSession.Outcome outcome = Run("Test-SqliteReplica $args[0] -Depth Files", Replica);

        Assert.Equal(false, Assert.Single(outcome.Output).BaseObject);
        Assert.Contains(outcome.Errors, error => error.FullyQualifiedErrorId.StartsWith("ReplicaCorrupt,", StringComparison.Ordinal)
            && error.ToString().Contains(Path.GetFileName(file), StringComparison.Ordinal));
    }

    [Fact]
    public void A_second_run_sends_only_what_changed()
    {
        EventTable.Make(Database, events: 1);

        PSObject run = Run("Start-SqliteReplication $args[0] $args[1] -Once", Database, Replica).Single();

        Assert.Equal(0, run.Properties["BaseImages"].Value);
        Assert.Equal(2UL, run.Properties["Txid"].Value);
        Assert.InRange((long)run.Properties["Pages"].Value, 1, 5);
    }

    [Fact]
    public void List_shows_each_file_with_its_pages()
    {
        EventTable.Make(Database, events: 1);
        Run("Start-SqliteReplication $args[0] $args[1] -Once", Database, Replica).ThrowIfFailed();

        IReadOnlyList<PSObject> files = Run("Get-SqliteReplica $args[0]", Replica).ThrowIfFailed().Output;

        Assert.Equal([9, 0], files.Select(file => (int)file.Properties["Level"].Value));
        Assert.Equal([1UL, 2UL], files.Select(file => (ulong)file.Properties["MaxTxid"].Value));
        Assert.Equal(files[0].Properties["DatabasePages"].Value, files[0].Properties["Pages"].Value);
        Assert.InRange((long)files[1].Properties["Pages"].Value, 1, 5);
        Assert.Equal(4096, files[1].Properties["PageSize"].Value);
        Assert.All(files, file => Assert.Equal(
            new FileInfo(Path.Combine(Replica, "ltx", file.ToString())).Length, file.Properties["Size"].Value));
    }

    [Fact]
    public void Output_survives_serialisation()
    {
        PSObject test = (PSObject)PSSerializer.Deserialize(PSSerializer.Serialize(
            Run("Test-SqliteReplica $args[0] $args[1] -Detailed", Replica, Database).Single(), depth: 1));

        Assert.Contains("Deserialized.Litestream.PowerShell.SqliteReplicaTest", test.TypeNames);
        Assert.Equal("Pass", test.Properties["Outcome"].Value.ToString());
        Assert.IsType<long>(test.Properties["BytesChecked"].Value);
        Assert.IsType<TimeSpan>(test.Properties["Elapsed"].Value);
    }

    public void Dispose() => _folder.Dispose();

    private PowerShellSession.Outcome Run(string script, params object[] arguments) => _session.Run(script, arguments);
}
