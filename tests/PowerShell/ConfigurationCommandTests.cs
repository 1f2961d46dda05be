using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

/// <summary>A user of Litestream moves over with the same file.</summary>
[Collection("engine")]
public sealed class ConfigurationCommandTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Starts_all_that_a_file_names_and_restores_what_is_missing()
    {
        string[] names = ["a", "b"];
        foreach (string name in names)
        {
            EventTable.Make(_folder[name + ".db"]);
        }

        File.WriteAllText(
            _folder["litestream.yml"],
            "dbs:\n  - path: a.db\n    restore-if-db-not-exists: true\n    replicas: [{path: $PLACE/a}, {path: second}]\n  - path: b.db\n    replica: {path: r/b}\n");
        Environment.SetEnvironmentVariable("PLACE", _folder["r"]);
        IReadOnlyList<PSObject> started = session.RunIn(_folder.FullPath, "Start-SqliteReplication -ConfigurationPath litestream.yml").ThrowIfFailed().Output;
        session.Run("Sync-SqliteReplication; Stop-SqliteReplication *").ThrowIfFailed();

        Assert.Equal([$"{_folder["r", "a"]}, {_folder["second"]}", _folder["r", "b"]], started.Select(one => one.Properties["Destination"].Value));
        string rows = EventTable.ReadAll(_folder["a.db"]);
        File.Delete(_folder["a.db"]);
        Directory.Delete(_folder[".a.db-litestream"], recursive: true);
        session.RunIn(_folder.FullPath, "Start-SqliteReplication -ConfigurationPath litestream.yml -Once").ThrowIfFailed();
        Assert.Equal(rows, EventTable.ReadAll(_folder["a.db"]));
    }

    [Fact]
    public void A_watched_folder_of_a_file_is_watched()
    {
        Directory.CreateDirectory(_folder["dbs"]);
        string first = EventTable.Make(_folder["dbs", "a.db"]);
        File.WriteAllText(_folder["litestream.yml"], "dbs:\n  - dir: dbs\n    pattern: '*.db'\n    watch: true\n    replica: {path: r}\n");
        PSObject watch = session.RunIn(_folder.FullPath, "Start-SqliteReplication -ConfigurationPath litestream.yml").Single();
        Assert.Equal((_folder["dbs"], _folder["r"]), (watch.Properties["Path"].Value, watch.Properties["Destination"].Value));

        string second = EventTable.Make(_folder["dbs", "b.db"]);
        Assert.True(SpinWait.SpinUntil(() => Listed().Length == 3, TimeSpan.FromSeconds(30)));
        Assert.Equal([first, second, _folder["dbs"]], Listed());

        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
        Assert.NotEmpty(session.Run("Get-SqliteReplica $args[0]", _folder["r", "b.db"]).ThrowIfFailed().Output);

        object[] Listed() => [.. session.Run("Get-SqliteReplication").ThrowIfFailed().Output.Select(one => one.Properties["Path"].Value)];
    }

    [Fact]
    public void What_is_missing_comes_from_the_destination_with_the_newest_state()
    {
        using (EventTable table = new(_folder["a.db"]))
        {
            table.Add(5);
        }

        session.RunIn(_folder.FullPath, "Start-SqliteReplication a.db old, new -Once").ThrowIfFailed();
        using (EventTable table = new(_folder["a.db"]))
        {
            table.Add(5);
        }

        session.RunIn(_folder.FullPath, "Start-SqliteReplication a.db new -Once").ThrowIfFailed();
        string rows = EventTable.ReadAll(_folder["a.db"]);
        File.Delete(_folder["a.db"]);
        Directory.Delete(_folder[".a.db-litestream"], recursive: true);

        session.RunIn(_folder.FullPath, "Start-SqliteReplication a.db old, new -Once -RestoreIfMissing").ThrowIfFailed();
        Assert.Equal(rows, EventTable.ReadAll(_folder["a.db"]));
        session.RunIn(_folder.FullPath, "Restore-SqliteDatabase old copy.db").ThrowIfFailed();
        Assert.Equal(rows, EventTable.ReadAll(_folder["copy.db"]));
    }

    [Fact]
    public void Imports_exports_and_tests()
    {
        string path = EventTable.Make(_folder["a.db"]);
        File.WriteAllText(_folder["one.yml"], "dbs:\n  - path: a.db\n    replica: {path: r, sync-interval: 2s}\n");
        Assert.Equal(true, session.RunIn(_folder.FullPath, "Test-SqliteReplicationConfiguration one.yml").Single().BaseObject);
        PSObject one = session.RunIn(_folder.FullPath, "Import-SqliteReplicationConfiguration one.yml").Single();
        Assert.Equal((path, TimeSpan.FromSeconds(2)), (one.Properties["Path"].Value, (TimeSpan)one.Properties["SyncInterval"].Value));

        session.RunIn(_folder.FullPath, "Import-SqliteReplicationConfiguration one.yml | Export-SqliteReplicationConfiguration two.yml").ThrowIfFailed();
        Assert.Equal(
            $"dbs:\n- path: {path}\n  replica:\n    type: file\n    path: {_folder["r"]}\n    sync-interval: 2s\n", File.ReadAllText(_folder["two.yml"]));
        Assert.StartsWith(
            "RestoreTargetExists,",
            session.RunIn(_folder.FullPath, "Import-SqliteReplicationConfiguration one.yml | Export-SqliteReplicationConfiguration two.yml").SingleError().FullyQualifiedErrorId,
            StringComparison.Ordinal);
        session.RunIn(_folder.FullPath, "Import-SqliteReplicationConfiguration two.yml | Start-SqliteReplication | Export-SqliteReplicationConfiguration three.yml; Stop-SqliteReplication *").ThrowIfFailed();
        Assert.Contains($"path: {_folder["r"]}", File.ReadAllText(_folder["three.yml"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dbs:\n  - path: a.db\n    replicsa: {path: r}\n", "ConfigurationInvalid")]
    [InlineData("dbs:\n  - {path: a.db, replica: {path: r}}\n  - {path: b.db, replica: {path: r}}\n", "DestinationShared")]
    public void What_is_wrong_with_a_file_starts_nothing(string text, string errorId)
    {
        EventTable.Make(_folder["a.db"]);
        File.WriteAllText(_folder["x.yml"], text);

        PowerShellSession.Outcome tested = session.RunIn(_folder.FullPath, "Test-SqliteReplicationConfiguration x.yml");
        Assert.Equal(false, Assert.Single(tested.Output).BaseObject);
        Assert.StartsWith(errorId + ",", tested.SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith(
            errorId + ",",
            session.RunIn(_folder.FullPath, "Start-SqliteReplication -ConfigurationPath x.yml").SingleError().FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["r"]));
    }

    public void Dispose() => _folder.Dispose();
}
