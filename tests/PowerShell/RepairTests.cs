using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class RepairTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("damage")]
    [InlineData("gap")]
    [InlineData("head")]
    public void A_damaged_replica_is_whole_again_and_goes_on(string fault)
    {
        string database = _folder["a.db"];
        for (int i = 0; i < 4; i++)
        {
            Add(database);
            session.Run("Start-SqliteReplication $args[0] $args[1] -Once", database, _folder["r"]).ThrowIfFailed();
        }

        string[] files = [.. Directory.EnumerateFiles(_folder["r", "ltx", "0"]).Order()];
        switch (fault)
        {
            case "damage":
                Spoil(files[1]);
                break;
            case "gap":
                File.Delete(files[1]);
                break;
            default:
                Spoil(files[^1]);
                break;
        }

        Assert.False((bool)session.Run("Test-SqliteReplica $args[0] -Depth Files", _folder["r"]).Output[0].BaseObject);
        Assert.Empty(session.Run("Repair-SqliteReplica $args[0] $args[1] -WhatIf | Where-Object Repaired", _folder["r"], database).ThrowIfFailed().Output);

        PSObject repair = session.Run("Repair-SqliteReplica $args[0] $args[1]", _folder["r"], database).Single();

        Assert.Equal((true, "Pass", false), ((bool)repair.Properties["Repaired"].Value, repair.Properties["Outcome"].Value.ToString(), (bool)repair.Properties["IsFullImage"].Value));
        Assert.True((bool)session.Run("Test-SqliteReplica $args[0] -Path $args[1] -Depth Compare -Timeout 5", _folder["r"], database).Single().BaseObject);
        Add(database);
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", database, _folder["r"]).ThrowIfFailed();
        Assert.True((bool)session.Run("Test-SqliteReplica $args[0] -Path $args[1] -Depth Compare", _folder["r"], database).Single().BaseObject);
        PSObject again = session.Run("Repair-SqliteReplica $args[0] $args[1]", _folder["r"], database).Single();
        Assert.False((bool)again.Properties["Repaired"].Value);
    }

    [Fact]
    public void Another_database_s_replica_is_not_repaired_unless_adopted()
    {
        string other = EventTable.Make(_folder["b.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", EventTable.Make(_folder["a.db"]), _folder["r"]).ThrowIfFailed();
        Spoil(Directory.EnumerateFiles(_folder["r", "ltx", "9"]).Single());

        Assert.StartsWith(
            "ReplicaConflict,", session.Run("Repair-SqliteReplica $args[0] $args[1]", _folder["r"], other).SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.True((bool)session.Run("Repair-SqliteReplica $args[0] $args[1] -AdoptReplica", _folder["r"], other).Single().Properties["Repaired"].Value);
        Assert.True((bool)session.Run("Test-SqliteReplica $args[0] -Path $args[1] -Depth Compare", _folder["r"], other).Single().BaseObject);
    }

    [Fact]
    public void A_removed_replica_is_gone_and_what_others_keep_there_stays()
    {
        string database = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", database, _folder["r"]).ThrowIfFailed();
        File.WriteAllText(_folder["r", "readme.txt"], "mine");

        session.Run("Remove-SqliteReplica $args[0] -WhatIf", _folder["r"]).ThrowIfFailed();
        Assert.NotEmpty(session.Run("Get-SqliteReplica $args[0]", _folder["r"]).ThrowIfFailed().Output);

        session.Run("Remove-SqliteReplica $args[0] -Confirm:$false", _folder["r"]).ThrowIfFailed();
        Assert.Contains("readme.txt", Directory.EnumerateFileSystemEntries(_folder["r"]).Select(Path.GetFileName));
        Assert.False(Directory.Exists(_folder["r", "ltx"]));
        Assert.StartsWith(
            "ReplicaNotFound,", session.Run("Remove-SqliteReplica $args[0] -Confirm:$false", _folder["r"]).SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_being_replicated_is_neither_reset_nor_removed_nor_repaired()
    {
        string database = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1]; Sync-SqliteReplication", database, _folder["r"]).ThrowIfFailed();
        Assert.StartsWith("DatabaseInUse,", session.Run("Reset-SqliteReplication $args[0]", database).SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith(
            "ReplicaInUse,", session.Run("Remove-SqliteReplica $args[0] -Confirm:$false", _folder["r"]).SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
        Assert.True((bool)session.Run("Test-SqliteReplica $args[0] -Path $args[1] -Depth Compare", _folder["r"], database).Single().BaseObject);
    }

    [Fact]
    public void A_reset_database_starts_anew_and_must_be_told_to_go_on_with_its_replica()
    {
        string database = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", database, _folder["r"]).ThrowIfFailed();
        session.Run("Reset-SqliteReplication $args[0] -WhatIf", database).ThrowIfFailed();
        Assert.True(Directory.EnumerateFileSystemEntries(_folder[".a.db-litestream"]).Count() > 1);

        session.Run("Reset-SqliteReplication $args[0]; Reset-SqliteReplication $args[0]", database).ThrowIfFailed();

        Assert.Equal([".replicator.lock"], Directory.EnumerateFileSystemEntries(_folder[".a.db-litestream"]).Select(Path.GetFileName));
        using (EventTable table = new(database))
        {
            table.Add(5);
        }

        Assert.StartsWith(
            "ReplicaConflict,",
            session.Run("Start-SqliteReplication $args[0] $args[1] -Once", database, _folder["r"]).SingleError().FullyQualifiedErrorId,
            StringComparison.Ordinal);
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once -AdoptReplica", database, _folder["r"]).ThrowIfFailed();
        Assert.True((bool)session.Run("Test-SqliteReplica $args[0] -Path $args[1] -Depth Compare", _folder["r"], database).Single().BaseObject);
    }

    public void Dispose() => _folder.Dispose();

    // Closed again: -Once replicates in this process.
    private static void Add(string database)
    {
        using EventTable table = new(database);
        table.Add(10);
    }

    private static void Spoil(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x55;
        File.WriteAllBytes(path, bytes);
    }
}
