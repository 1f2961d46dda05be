using System.Globalization;
using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class RestorePointTests : IDisposable
{
    private readonly PowerShellSession _session;
    private readonly TemporaryFolder _folder = new();
    private readonly List<(ulong Txid, DateTime Time, string Events)> _points = [];

    public RestorePointTests(PowerShellSession session)
    {
        _session = session;
        for (int i = 0; i < 3; i++)
        {
            EventTable.Make(Database, events: 1);
            Run("Start-SqliteReplication $args[0] $args[1] -Once", Database, Replica).ThrowIfFailed();
            PSObject newest = Run("Get-SqliteRestorePoint $args[0]", Replica).ThrowIfFailed().Output[^1];
            _points.Add(((ulong)newest.Properties["Txid"].Value, (DateTime)newest.Properties["Timestamp"].Value, EventTable.ReadAll(Database)));
        }
    }

    private string Database => _folder["a.db"];

    private string Replica => _folder["r"];

    private string Restored => _folder["b.db"];

    [Fact]
    public void Points_are_listed_oldest_first_with_their_window()
    {
        PowerShellSession.Outcome outcome = Run("Get-SqliteRestorePoint $args[0] -Verbose", Replica).ThrowIfFailed();

        Assert.Equal(_points.Select(point => point.Txid), outcome.Output.Select(point => (ulong)point.Properties["Txid"].Value));
        Assert.Equal([9, 0, 0], outcome.Output.Select(point => (int)point.Properties["Level"].Value));
        Assert.Contains(outcome.Verbose, message => message.Message.StartsWith("Window: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("0x{0:x}")]
    [InlineData("{0:x16}")]
    public void Restore_gives_a_transaction_named_in_any_way(string format)
    {
        string txid = string.Format(CultureInfo.InvariantCulture, format, _points[1].Txid);

        Run("Restore-SqliteDatabase $args[0] $args[1] -TransactionId $args[2]", Replica, Restored, txid).ThrowIfFailed();

        Assert.Equal(_points[1].Events, EventTable.ReadAll(Restored));
    }

    [Fact]
    public void Restore_at_a_time_takes_the_nearest_point_before_it_and_says_so()
    {
        DateTime between = _points[1].Time.AddTicks(1);
        PowerShellSession.Outcome outcome = Run("Restore-SqliteDatabase $args[0] $args[1] -At $args[2] -Verbose", Replica, Restored, between).ThrowIfFailed();

        Assert.Equal(_points[1].Events, EventTable.ReadAll(Restored));
        Assert.Contains(outcome.Verbose, message => message.Message.Contains($"nearest one before it is taken: TXID {_points[1].Txid} ", StringComparison.Ordinal));

        string exact = _points[0].Time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        outcome = Run("Restore-SqliteDatabase $args[0] $args[1] -Force -At $args[2] -Verbose", Replica, Restored, exact).ThrowIfFailed();
        Assert.Equal(_points[0].Events, EventTable.ReadAll(Restored));
        Assert.DoesNotContain(outcome.Verbose, message => message.Message.Contains("nearest", StringComparison.Ordinal));
    }

    [Fact]
    public void Restore_at_an_age_counts_back_from_now()
    {
        Run("Restore-SqliteDatabase $args[0] $args[1] -At '0 seconds ago'", Replica, Restored).ThrowIfFailed();
        Assert.Equal(_points[2].Events, EventTable.ReadAll(Restored));

        ErrorRecord early = Run("Restore-SqliteDatabase $args[0] $args[1] -Force -At '2 days ago'", Replica, Restored).SingleError();
        Assert.StartsWith("ReplicaNotFound,", early.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("oldest", early.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_point_from_the_pipeline_means_itself_and_not_the_newest()
    {
        PSObject point = Run("Get-SqliteRestorePoint $args[0]", Replica).ThrowIfFailed().Output[0];

        PSObject restore = Run("$args[0] | Restore-SqliteDatabase -OutputPath $args[1] -PassThru", point, Restored).Single();

        Assert.Equal(point.Properties["Txid"].Value, restore.Properties["Txid"].Value);
        Assert.NotEqual(Run("(Get-SqliteRestorePoint $args[0])[-1].Txid", Replica).Single().BaseObject, restore.Properties["Txid"].Value);
    }

    [Theory]
    [InlineData("-At 3/4/2026")]
    [InlineData("-At 'five minutes ago'")]
    [InlineData("-At '999999999 weeks ago'")]
    [InlineData("-TransactionId 12x")]
    [InlineData("-TransactionId 0x1ffffffffffffffff")]
    [InlineData("-TransactionId 0")]
    [InlineData("-TransactionId 1 -At '5 minutes ago'")]
    public void Restore_refuses_what_names_no_instant(string arguments)
    {
        Run($"Restore-SqliteDatabase $args[0] $args[1] {arguments}", Replica, Restored).SingleError();

        Assert.False(File.Exists(Restored));
    }

    [Fact]
    public void Restore_of_a_transaction_beyond_the_end_names_the_last_one()
    {
        ErrorRecord error = Run("Restore-SqliteDatabase $args[0] $args[1] -TransactionId 99", Replica, Restored).SingleError();

        Assert.StartsWith("ReplicaGap,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains($"transaction {_points[2].Txid}", error.Exception.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private PowerShellSession.Outcome Run(string script, params object[] arguments) => _session.Run(script, arguments);
}
