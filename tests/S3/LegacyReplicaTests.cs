using Amazon.S3;
using Amazon.S3.Model;
using K4os.Compression.LZ4.Streams;
using Litestream.Restoration;
using Litestream.Storage;
using Microsoft.Data.Sqlite;
using S3Location = Litestream.Storage.S3Location;

namespace Litestream.Tests.S3;

/// <summary>A replica that Litestream 0.3 left in a bucket is found behind more objects than one answer lists, and restored.</summary>
[Collection("gateway")]
public sealed class LegacyReplicaTests(CephGateway gateway) : IDisposable
{
    private const string Generation = "backups/app/generations/fedcba9876543210";
    private const int MoreThanOneAnswer = 1010;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task It_is_restored_from_a_bucket()
    {
        S3Location place = await gateway.NewPlaceAsync("backups/app");
        using AmazonS3Client client = S3Client.Create(place);
        await Parallel.ForAsync(0, MoreThanOneAnswer, async (i, cancel) => await client.PutObjectAsync(
            new PutObjectRequest { BucketName = place.Bucket, Key = $"backups/app/generations/0000/{i}", ContentBody = "foreign" }, cancel));
        string database = _folder["app.db"];
        using (SqliteConnection connection = new($"Data Source={database};Pooling=False"))
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(20000)); PRAGMA wal_checkpoint(TRUNCATE)");
            await PutAsync(client, place, "snapshots/00000000.snapshot.lz4", ReadShared(database));
            Execute(connection, "INSERT INTO t VALUES(randomblob(30000))");
            byte[] wal = ReadShared(database + "-wal");
            int half = 32 + ((24 + 4096) * 3);
            await PutAsync(client, place, "wal/00000000_00000000.wal.lz4", wal[..half]);
            await PutAsync(client, place, $"wal/00000000_{half:x8}.wal.lz4", wal[half..]);
        }

        RestoreOptions options = new() { Source = place, OutputPath = _folder["restored.db"], IntegrityCheck = IntegrityCheck.Full };
        RestoreResult result = await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);

        Assert.Equal(("fedcba9876543210", 3), (result.Generation, result.Files));
        Assert.Equal(await File.ReadAllBytesAsync(database), await File.ReadAllBytesAsync(_folder["restored.db"]));
        RestorePoint[] points = [.. (await RestorePoints.ListAsync(place, CancellationToken.None)).All];
        Assert.InRange(points.Length, 1, 3); // its times are whole seconds
        Assert.Equal(result.Timestamp, points[^1].Timestamp);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task PutAsync(AmazonS3Client client, S3Location place, string name, byte[] content)
    {
        using MemoryStream compressed = new();
        using (LZ4EncoderStream frame = LZ4Stream.Encode(compressed, leaveOpen: true))
        {
            frame.Write(content);
        }

        compressed.Position = 0;
        await client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = place.Bucket,
            Key = $"{Generation}/{name}",
            InputStream = compressed,
            AutoCloseStream = false,
            UseChunkEncoding = false,
        });
    }

    private static byte[] ReadShared(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
