using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class BadInputTests(PowerShellSession session) : IDisposable
{
    private const string Commands = "Litestream.PowerShell.Commands.";

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("Start-SqliteReplication a.db -Destination r -Wait -Once", "ParametersContradict", ErrorCategory.InvalidArgument)]
    [InlineData("Start-SqliteReplication a.db, b.db -Destination r", "DestinationShared", ErrorCategory.InvalidArgument)]
    [InlineData("Start-SqliteReplication *.db -Destination r", "DestinationShared", ErrorCategory.InvalidArgument)]
    [InlineData("Start-SqliteReplication Env:PATH -Destination r", "PathNotFileSystem", ErrorCategory.InvalidArgument)]
    [InlineData("Start-SqliteReplication a.db -Destination Env:r", "PathNotFileSystem", ErrorCategory.InvalidArgument)]
    [InlineData("Start-SqliteReplication nothing*.db -Destination r", "DatabaseNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Start-SqliteReplication missing.db -Destination r", "DatabaseNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Start-SqliteReplication missing.db -Destination r -Once", "DatabaseNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Start-SqliteReplication text.txt -Destination r", "NotADatabase", ErrorCategory.InvalidData)]
    [InlineData("Start-SqliteReplication text.txt -Destination r -Wait", "NotADatabase", ErrorCategory.InvalidData)]
    [InlineData("Start-SqliteReplication folder -Destination r", "NotADatabase", ErrorCategory.InvalidData)]
    [InlineData("Start-SqliteReplication a.db-wal -Destination r", "NotADatabase", ErrorCategory.InvalidData)]
    [InlineData("Start-SqliteReplication a.db -Destination s9://bucket/r", "ReplicaLocationInvalid", ErrorCategory.InvalidArgument)]
    [InlineData("Start-SqliteReplication a.db -Destination text.txt/r -Once", "ReplicaUnreachable", ErrorCategory.ConnectionError)]
    [InlineData("Start-SqliteReplication a.db -Destination text.txt/r", "ReplicaUnreachable", ErrorCategory.ConnectionError)]
    [InlineData("Get-SqliteReplication a.db", "ReplicationNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Sync-SqliteReplication a.db", "ReplicationNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Stop-SqliteReplication a.db", "ReplicationNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Get-SqliteReplica nowhere", "ReplicaNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Get-SqliteReplica s9://bucket/r", "ReplicaLocationInvalid", ErrorCategory.InvalidArgument)]
    [InlineData("Restore-SqliteDatabase nowhere new.db", "ReplicaNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Restore-SqliteDatabase nowhere a.db", "RestoreTargetExists", ErrorCategory.ResourceExists)]
    [InlineData("Restore-SqliteDatabase nowhere a.db -Force -IfMissing", "ParametersContradict", ErrorCategory.InvalidArgument)]
    [InlineData("Test-SqliteReplica nowhere", "ReplicaNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Test-SqliteReplica nowhere -Depth Compare", "ParametersContradict", ErrorCategory.InvalidArgument)]
    [InlineData("Test-SqliteReplica nowhere -Depth Files -IntegrityCheck Quick", "ParametersContradict", ErrorCategory.InvalidArgument)]
    public void Gets_one_error_with_a_stable_id(string script, string errorId, ErrorCategory category)
    {
        EventTable.Make(_folder["a.db"]);
        EventTable.Make(_folder["b.db"]);
        File.WriteAllText(_folder["a.db-wal"], "");
        File.WriteAllText(_folder["text.txt"], new string('x', 5000));
        Directory.CreateDirectory(_folder["folder"]);

        ErrorRecord error = session.RunIn(_folder.FullPath, script).SingleError();

        string cmdlet = script.Split(' ')[0].Replace("-", "", StringComparison.Ordinal);
        Assert.Equal($"{errorId},{Commands}{cmdlet}Command", error.FullyQualifiedErrorId);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.NotEmpty(error.ErrorDetails.RecommendedAction);
        Assert.Empty(Directory.EnumerateFiles(_folder.FullPath, "*.ltx", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("Start-SqliteReplication nul.db -Destination r", "PathUnusable")]
    [InlineData("Start-SqliteReplication 'a.db.' -Destination r", "PathUnusable")]
    [InlineData("Start-SqliteReplication a.db -Destination 'r '", "ReplicaLocationInvalid")]
    [InlineData("Restore-SqliteDatabase r 'C:\\b.db:stream'", "PathUnusable")]
    public void A_name_that_Windows_takes_for_another_is_refused_there(string script, string errorId)
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        EventTable.Make(_folder["a.db"]);
        ErrorRecord error = session.RunIn(_folder.FullPath, script).SingleError();

        Assert.StartsWith(errorId + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("Nothing was written", error.ToString(), StringComparison.Ordinal);
        Assert.Equal([_folder["a.db"]], Directory.EnumerateFileSystemEntries(_folder.FullPath));
    }

    [Fact]
    public void Test_of_what_cannot_be_tested_is_false()
    {
        PowerShellSession.Outcome outcome = session.Run("Test-SqliteReplica $args[0]", _folder["nowhere"]);

        Assert.False((bool)Assert.Single(outcome.Output).BaseObject);
        outcome.SingleError();
    }

    [Fact]
    public void A_destination_inside_another_is_refused_before_anything_starts()
    {
        ErrorRecord error = session.RunIn(
            _folder.FullPath,
            "[pscustomobject]@{ Path = 'a.db'; Destination = 'r' }, [pscustomobject]@{ Path = 'b.db'; Destination = 'r/sub' } | Start-SqliteReplication")
            .SingleError();

        Assert.StartsWith("DestinationShared,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.FullPath));
    }

    [Fact]
    public void A_worker_executable_that_is_missing_is_named()
    {
        Environment.SetEnvironmentVariable("LITESTREAM_WORKER_HOST", _folder["no-such-host"]);
        try
        {
            ErrorRecord error = session.Run(
                "Start-SqliteReplication $args[0] -Destination $args[1]", EventTable.Make(_folder["a.db"]), _folder["r"]).SingleError();

            Assert.StartsWith("WorkerHostNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains(_folder["no-such-host"], error.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("LITESTREAM_WORKER_HOST", BuiltModule.HostExecutable);
        }
    }

    [Fact]
    public void A_worker_that_does_not_come_up_is_an_error_with_what_it_wrote()
    {
        // Another program: it does not know what to do with the arguments, says so, and ends.
        Environment.SetEnvironmentVariable("LITESTREAM_WORKER_HOST", Environment.ProcessPath);
        try
        {
            ErrorRecord error = session.Run(
                "Start-SqliteReplication $args[0] -Destination $args[1]", EventTable.Make(_folder["a.db"]), _folder["r"]).SingleError();

            Assert.StartsWith("WorkerStartFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains("ended with exit code", error.ToString(), StringComparison.Ordinal);
            Assert.Contains("It wrote: ", error.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("LITESTREAM_WORKER_HOST", BuiltModule.HostExecutable);
        }
    }

    public void Dispose() => _folder.Dispose();
}
