using System.Diagnostics;
using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

/// <summary>A folder of databases.</summary>
[Collection("engine")]
public sealed class DirectoryTests(PowerShellSession session) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Every_database_of_a_folder_is_replicated_to_a_place_of_its_own()
    {
        Directory.CreateDirectory(_folder["dbs"]);
        Directory.CreateDirectory(Path.Combine(_folder["dbs"], "sub"));
        string[] databases = [EventTable.Make(Path.Combine(_folder["dbs"], "a.db")), EventTable.Make(Path.Combine(_folder["dbs"], "sub", "b.db"))];
        File.WriteAllText(Path.Combine(_folder["dbs"], "c.db"), "none");

        IReadOnlyList<PSObject> started = session.Run(
            "Start-SqliteReplication -Directory $args[0] -Filter *.db -Recurse -Destination $args[1]", _folder["dbs"], _folder["r"]).ThrowIfFailed().Output;

        Assert.Equal(databases, started.Select(replication => replication.Properties["Path"].Value));
        session.Run("Sync-SqliteReplication; Stop-SqliteReplication *").ThrowIfFailed();
        Assert.NotEmpty(session.Run("Get-SqliteReplica $args[0]", Path.Combine(_folder["r"], "a.db")).ThrowIfFailed().Output);
        Assert.NotEmpty(session.Run("Get-SqliteReplica $args[0]", Path.Combine(_folder["r"], "sub", "b.db")).ThrowIfFailed().Output);
        Assert.StartsWith(
            "DatabaseNotFound,",
            session.Run("Start-SqliteReplication -Directory $args[0] -Filter *.none -Destination $args[1]", _folder["dbs"], _folder["r"]).SingleError().FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "ParametersContradict,",
            session.Run("Start-SqliteReplication -Directory $args[0] -Watch -Once -Destination $args[1]", _folder["dbs"], _folder["r"]).SingleError().FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_watched_folder_is_listed_with_what_is_in_it_and_stopping_it_stops_all()
    {
        Directory.CreateDirectory(_folder["dbs"]);
        string first = EventTable.Make(Path.Combine(_folder["dbs"], "a.db"));
        PSObject watch = session.Run("Start-SqliteReplication -Directory $args[0] -Watch -Destination $args[1]", _folder["dbs"], _folder["r"]).Single();
        Assert.Equal((_folder["dbs"], _folder["r"]), (watch.Properties["Path"].Value, watch.Properties["Destination"].Value));
        Assert.Equal([first, _folder["dbs"]], Listed());

        string second = EventTable.Make(Path.Combine(_folder["dbs"], "b.db"));
        UntilListed(first, second, _folder["dbs"]);
        session.Run("Sync-SqliteReplication $args[0]", _folder["dbs"]).ThrowIfFailed();
        File.Delete(first);
        UntilListed(second, _folder["dbs"]);

        session.Run("Stop-SqliteReplication $args[0]", _folder["dbs"]).ThrowIfFailed();
        Assert.Empty(Listed());
        Assert.NotEmpty(session.Run("Get-SqliteReplica $args[0]", Path.Combine(_folder["r"], "b.db")).ThrowIfFailed().Output);
    }

    public void Dispose() => _folder.Dispose();

    private object[] Listed() => [.. session.Run("Get-SqliteReplication").ThrowIfFailed().Output.Select(replication => replication.Properties["Path"].Value)];

    private void UntilListed(params string[] paths)
    {
        long began = Stopwatch.GetTimestamp();
        while (!Listed().SequenceEqual(paths))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"listed: {string.Join(", ", Listed())}");
            Thread.Sleep(100);
        }
    }
}
