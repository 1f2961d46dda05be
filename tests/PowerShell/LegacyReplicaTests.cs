using System.Buffers.Binary;
using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

/// <summary>A replica that Litestream 0.3 left: one snapshot, which is enough to be listed and restored.</summary>
[Collection("engine")]
public sealed class LegacyReplicaTests : IDisposable
{
    private const string Generation = "0123456789abcdef";

    private readonly PowerShellSession _session;
    private readonly TemporaryFolder _folder = new();
    private readonly DateTime _time = new(2026, 3, 4, 12, 0, 0, DateTimeKind.Utc);

    public LegacyReplicaTests(PowerShellSession session)
    {
        _session = session;
        EventTable.Make(_folder["live.db"], events: 20);
        string snapshot = Path.Combine(_folder["r"], "generations", Generation, "snapshots", "00000000.snapshot.lz4");
        Directory.CreateDirectory(Path.GetDirectoryName(snapshot)!);
        File.WriteAllBytes(snapshot, Stored(File.ReadAllBytes(_folder["live.db"])));
        File.SetLastWriteTimeUtc(snapshot, _time);
    }

    [Fact]
    public void It_is_listed_and_restored_by_its_time()
    {
        PSObject point = _session.Run("Get-SqliteRestorePoint $args[0]", _folder["r"]).Single();
        Assert.Equal((Generation, 0ul), (point.Properties["Generation"].Value, point.Properties["Txid"].Value));
        Assert.Equal(_time.ToLocalTime(), point.Properties["Timestamp"].Value);

        PowerShellSession.Outcome outcome = _session.Run(
            "Restore-SqliteDatabase $args[0] $args[1] -At $args[2] -PassThru -Verbose", _folder["r"], _folder["b.db"], point.Properties["Timestamp"].Value).ThrowIfFailed();

        Assert.Equal(Generation, outcome.Output[0].Properties["Generation"].Value);
        Assert.Contains(outcome.Verbose, message => message.Message.Contains("Litestream 0.3", StringComparison.Ordinal));
        Assert.Equal(EventTable.ReadAll(_folder["live.db"]), EventTable.ReadAll(_folder["b.db"]));
    }

    [Fact]
    public void Beside_another_the_newer_is_taken_and_that_is_said()
    {
        EventTable.Make(_folder["new.db"], events: 5);
        _session.Run("Start-SqliteReplication $args[0] $args[1] -Once", _folder["new.db"], _folder["r"]).ThrowIfFailed();

        PowerShellSession.Outcome outcome = _session.Run("Restore-SqliteDatabase $args[0] $args[1] -Verbose", _folder["r"], _folder["b.db"]).ThrowIfFailed();

        Assert.Equal(EventTable.ReadAll(_folder["new.db"]), EventTable.ReadAll(_folder["b.db"]));
        Assert.Contains(outcome.Verbose, message => message.Message.Contains("stands there too", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(Assert.Single(Directory.GetFiles(_folder["r"], "*.lz4", SearchOption.AllDirectories)), DateTime.UtcNow.AddHours(1));

        outcome = _session.Run("Restore-SqliteDatabase $args[0] $args[1] -Force -WarningVariable told; $told", _folder["r"], _folder["b.db"]).ThrowIfFailed();

        Assert.Equal(EventTable.ReadAll(_folder["live.db"]), EventTable.ReadAll(_folder["b.db"]));
        Assert.Contains("Two replicas", Assert.Single(outcome.Output).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void It_has_no_transaction_ids()
    {
        ErrorRecord error = _session.Run("Restore-SqliteDatabase $args[0] $args[1] -TransactionId 1", _folder["r"], _folder["b.db"]).SingleError();

        Assert.StartsWith("ReplicaNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("numbers no transactions", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_is_named()
    {
        string file = Assert.Single(Directory.GetFiles(_folder["r"], "*.lz4", SearchOption.AllDirectories));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^4]);

        ErrorRecord error = _session.Run("Restore-SqliteDatabase $args[0] $args[1]", _folder["r"], _folder["b.db"]).SingleError();

        Assert.StartsWith("ReplicaCorrupt,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("00000000.snapshot.lz4", error.Exception.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["b.db"]));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>An LZ4 frame without checksums, in blocks of 64 KB that are not compressed.</summary>
    private static byte[] Stored(byte[] content)
    {
        const int largest = 64 * 1024;
        List<byte> frame = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82];
        byte[] size = new byte[sizeof(uint)];
        foreach (byte[] block in content.Chunk(largest))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(size, 0x80000000 | (uint)block.Length);
            frame.AddRange(size);
            frame.AddRange(block);
        }

        frame.AddRange(new byte[sizeof(uint)]);
        return [.. frame];
    }
}
