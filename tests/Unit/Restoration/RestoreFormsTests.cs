using System.Buffers.Binary;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Ltx;
using Microsoft.Data.Sqlite;

namespace Litestream.Tests.Unit.Restoration;

/// <summary>
/// Every form in which a version of Litestream 0.5 wrote its files is restored, in every level, and mixed: pages in LZ4 frames (to 0.5.15) or
/// in blocks, database checksums kept or not.
/// </summary>
public sealed class RestoreFormsTests : IDisposable
{
    private const int PageSize = 512;
    private const ulong Flag = 1UL << 63;

    private readonly TemporaryFolder _temporary = new();
    private readonly ReplicaFolder _replica;
    private readonly List<byte[]> _images = [];

    public RestoreFormsTests()
    {
        _replica = new ReplicaFolder(_temporary["replica"]);
        string path = _temporary["live.db"];
        _images.Add(SqliteFile.Create(path, 200));
        foreach (string change in new[]
        {
            "UPDATE t SET b='changed' WHERE a%9=0", "DELETE FROM t WHERE a%3=0", "VACUUM", "CREATE TABLE more(x); INSERT INTO more VALUES(randomblob(3000))",
            "INSERT INTO t(b) SELECT hex(randomblob(50)) FROM t LIMIT 60", "DROP TABLE more; UPDATE t SET b='last' WHERE a%5=0",
        })
        {
            using (SqliteConnection connection = SqliteFile.Open(path))
            {
                SqliteFile.Run(connection, change);
            }

            _images.Add(File.ReadAllBytes(path));
        }
    }

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task One_form_in_every_level(bool frames, bool checksums)
    {
        Write(9, 1, 2, frames, checksums);
        Write(3, 2, 3, frames, checksums);
        Write(2, 3, 5, frames, checksums);
        Write(1, 5, 6, frames, checksums);
        Write(0, 7, 7, frames, checksums);
        foreach (ulong txid in new ulong[] { 2, 3, 5, 6, 7 })
        {
            await AssertRestoresAsync(txid);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Forms_that_change_from_file_to_file(int seed)
    {
        Random random = new(seed);
        Write(random.Next(2) == 0 ? 9 : 1, 1, 1, Draw(), Draw());
        for (ulong txid = 2; txid <= 7; txid++)
        {
            Write(random.Next(9), txid, txid, Draw(), Draw());
        }

        for (ulong txid = 1; txid <= 7; txid++)
        {
            await AssertRestoresAsync(txid);
        }

        bool Draw() => random.Next(2) == 0;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_full_image_without_its_database_checksum_is_refused(bool frames)
    {
        Write(9, 1, 2, frames, checksums: true, falsify: 1);

        LitestreamException e = await Assert.ThrowsAnyAsync<LitestreamException>(() => RestoreAsync(2));

        Assert.Equal("ReplicaCorrupt", e.ErrorId);
        Assert.False(File.Exists(_temporary["out.db"]));
    }

    private async Task AssertRestoresAsync(ulong txid)
    {
        RestoreResult result = await RestoreAsync(txid);
        Assert.Equal(txid, result.Txid);
        Assert.Equal(_images[(int)txid - 1], await File.ReadAllBytesAsync(_temporary["out.db"]));
    }

    private Task<RestoreResult> RestoreAsync(ulong txid)
    {
        RestoreOptions options = new()
        {
            Source = ReplicaLocation.Parse(_replica.Path),
            OutputPath = _temporary["out.db"],
            TargetTxid = txid,
            Force = true,
            IntegrityCheck = IntegrityCheck.Full,
        };
        return DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
    }

    /// <summary>Writes what changed from before the first to the last transaction; all of it if the first is 1.</summary>
    private void Write(int level, ulong min, ulong max, bool frames, bool checksums, ulong falsify = 0)
    {
        byte[] image = _images[(int)max - 1];
        byte[] before = min == 1 ? [] : _images[(int)min - 2];
        LtxSpecimen file = new()
        {
            Flags = checksums ? 0u : 2u,
            PageSize = PageSize,
            Commit = (uint)(image.Length / PageSize),
            MinTxid = min,
            MaxTxid = max,
            Timestamp = ReplicaFolder.Time(max).ToUnixTimeMilliseconds(),
            PreApply = checksums && min > 1 ? Checksum(before) : 0,
            PostApply = checksums ? Checksum(image) ^ falsify : 0,
            Frames = frames,
            Pages = [.. ReplicaFolder.Pages(image, PageSize).Where(page => !IsSame(before, page.Number, page.Page) || !AllSame(min, max, page.Number))],
        };
        _replica.Put(level, min, max, file.ToBytes());
    }

    // A page that changed and changed back in between belongs into the file too.
    private bool AllSame(ulong min, ulong max, uint number)
    {
        for (ulong txid = Math.Max(min, 2); txid <= max; txid++)
        {
            byte[] image = _images[(int)txid - 1];
            if (image.Length < number * PageSize || !IsSame(_images[(int)txid - 2], number, image.AsSpan((int)(number - 1) * PageSize, PageSize)))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsSame(byte[] image, uint number, ReadOnlySpan<byte> page) =>
        image.Length >= number * PageSize && image.AsSpan((int)(number - 1) * PageSize, PageSize).SequenceEqual(page);

    /// <summary>The rolling checksum of a database, from the format's description.</summary>
    private static ulong Checksum(byte[] image)
    {
        ulong sum = 0;
        byte[] number = new byte[sizeof(uint)];
        foreach ((uint page, byte[] bytes) in ReplicaFolder.Pages(image, PageSize))
        {
            BinaryPrimitives.WriteUInt32BigEndian(number, page);
            sum ^= LtxSpecimen.Crc([.. number, .. bytes]);
        }

        return Flag | sum;
    }
}
