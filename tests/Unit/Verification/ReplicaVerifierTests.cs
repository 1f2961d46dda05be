using System.Security.Cryptography;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Maintenance;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Restoration;
using Litestream.Tests.Unit.Sqlite;
using Litestream.Verification;

namespace Litestream.Tests.Unit.Verification;

/// <summary>Each depth reads each file once, and says the same of the files, whoever has read them.</summary>
public sealed class ReplicaVerifierTests
{
    private const int LastTxid = 4;

    // What can stand under a file's name instead of the file. The other one is of another transaction.
    private static readonly Dictionary<string, Func<byte[], byte[], byte[]>> Damages = new()
    {
        ["a byte is another"] = (file, _) => [.. file[..(file.Length / 2)], (byte)(file[file.Length / 2] ^ 1), .. file[(file.Length / 2 + 1)..]],
        ["the last byte is another"] = (file, _) => [.. file[..^1], (byte)(file[^1] ^ 1)],
        ["it is cut off"] = (file, _) => file[..(file.Length / 2)],
        ["it is empty"] = (_, _) => [],
        ["something follows"] = (file, _) => [.. file, 0],
        ["it is another"] = (_, other) => other,
    };

    [Theory]
    [InlineData("image")]
    [InlineData("captured")]
    [InlineData("newest")]
    [InlineData("merged")]
    [InlineData("merged", "captured")]
    [InlineData("image", "newest", "merged")]
    public async Task Damaged_files_are_reported_alike_at_every_depth(params string[] damaged)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await ReplicateAsync(folder);
        Dictionary<string, string> files = Files(folder);
        byte[] other = await File.ReadAllBytesAsync(Captured(folder, 2));
        foreach ((string damage, Func<byte[], byte[], byte[]> change) in Damages)
        {
            Dictionary<string, byte[]> whole = damaged.ToDictionary(name => files[name], name => File.ReadAllBytes(files[name]));
            foreach ((string file, byte[] bytes) in whole)
            {
                await File.WriteAllBytesAsync(file, change(bytes, other));
            }

            VerificationReport expected = await VerifyAsync(folder, VerificationDepth.Files);
            Assert.Equal(VerificationOutcome.Fail, expected.Outcome);
            Assert.Equal(damaged.Select(name => Path.GetFileName(files[name])).Order(), expected.Findings.Select(finding => Path.GetFileName(finding.File)).Order());
            foreach (VerificationDepth depth in new[] { VerificationDepth.Restore, VerificationDepth.Compare })
            {
                Assert.Equal((damage, depth, Files(expected)), (damage, depth, Files(await VerifyAsync(folder, depth))));
            }

            foreach ((string file, byte[] bytes) in whole)
            {
                await File.WriteAllBytesAsync(file, bytes);
            }
        }
    }

    [Theory]
    [InlineData(VerificationDepth.Files)]
    [InlineData(VerificationDepth.Restore)]
    [InlineData(VerificationDepth.Compare)]
    public async Task Every_file_of_a_good_replica_is_read_once_and_counted(VerificationDepth depth)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await ReplicateAsync(folder);
        string[] files = [.. Directory.EnumerateFiles(folder.Replica, "*.ltx", SearchOption.AllDirectories)];
        WatchedLocation place = new(ReplicaLocation.Parse(folder.Replica));

        VerificationReport report = await VerifyAsync(folder, depth, place);

        Assert.Equal(
            (VerificationOutcome.Pass, files.Length, files.Sum(file => new FileInfo(file).Length), (ulong)LastTxid),
            (report.Outcome, report.FilesChecked, report.BytesChecked, report.Txid));
        Assert.Equal(depth != VerificationDepth.Files, report.Pages > 0);
        Assert.Equal((depth == VerificationDepth.Compare, report.LiveMd5), (report.RestoredMd5 is not null, report.RestoredMd5));
        Assert.Equal(files.Select(Path.GetFileName).Order(), place.WholeReads.Select(file => file.Name.ToString()).Order());
    }

    [Theory]
    [InlineData(VerificationDepth.Restore)]
    [InlineData(VerificationDepth.Compare)]
    public async Task A_missing_transaction_is_reported_alike_and_nothing_is_restored(VerificationDepth depth)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await ReplicateAsync(folder);
        File.Delete(Files(folder)["captured"]);
        File.Delete(Files(folder)["merged"]);
        VerificationReport expected = await VerifyAsync(folder, VerificationDepth.Files);

        VerificationReport report = await VerifyAsync(folder, depth);

        Assert.Equal("ReplicaGap", Assert.Single(report.Findings).ErrorId);
        Assert.Equal(Files(expected), Files(report));
    }

    [Fact]
    public async Task A_full_image_that_lacks_pages_is_damaged_also_where_later_files_bring_them()
    {
        await using ReplicationFolder folder = new();
        ReplicaFolder replica = new(folder.Replica);
        string image = replica.Write(9, 2, 3, 2, (1, 1));
        replica.Write(0, 4, 4, 2, (2, 4));

        VerificationReport report = await VerifyAsync(folder, VerificationDepth.Restore);

        VerificationFinding finding = Assert.Single(report.Findings);
        Assert.Equal(("ReplicaCorrupt", "9/" + Path.GetFileName(image)), (finding.ErrorId, finding.File));
        Assert.Equal(Files(await VerifyAsync(folder, VerificationDepth.Files)), Files(report));
    }

    [Theory]
    [InlineData(IntegrityCheck.None)]
    [InlineData(IntegrityCheck.Full)]
    public async Task A_byte_that_is_another_in_the_live_database_is_found_and_its_page_named(IntegrityCheck check)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await ReplicateAsync(folder);
        await application.ExecuteAsync("PRAGMA wal_checkpoint(TRUNCATE)");
        await application.ExecuteAsync("UPDATE t SET b=1 WHERE id=1");
        await folder.OnceAsync();
        long page = new FileInfo(folder.Database).Length / 4096;
        FlipByte(folder.Database, (page * 4096) - 100);

        VerificationReport report = await VerifyAsync(folder, VerificationDepth.Compare, check: check);

        VerificationFinding finding = Assert.Single(report.Findings);
        Assert.Equal((VerificationOutcome.Fail, "ImagesDiffer"), (report.Outcome, finding.ErrorId));
        Assert.Contains($"1 pages differ ({page})", finding.Message, StringComparison.Ordinal);
        string restored = await Md5OfRestoredAsync(folder);
        Assert.Equal(restored, report.RestoredMd5);
        Assert.NotEqual(restored, report.LiveMd5);

        FlipByte(folder.Database, (page * 4096) - 100);
        report = await VerifyAsync(folder, VerificationDepth.Compare, check: check);
        Assert.Equal((VerificationOutcome.Pass, restored, restored, check), (report.Outcome, report.LiveMd5, report.RestoredMd5, report.IntegrityCheck));
    }

    [Theory]
    [InlineData(IntegrityCheck.None, VerificationOutcome.Pass)]
    [InlineData(IntegrityCheck.Quick, VerificationOutcome.Fail)]
    [InlineData(IntegrityCheck.Full, VerificationOutcome.Fail)]
    public async Task What_SQLite_would_find_is_found_only_if_it_is_asked(IntegrityCheck check, VerificationOutcome outcome)
    {
        await using ReplicationFolder folder = new();
        new ReplicaFolder(folder.Replica).Write(9, 1, 1, 2, (1, 1), (2, 1));

        VerificationReport report = await VerifyAsync(folder, VerificationDepth.Restore, check: check);

        Assert.Equal((outcome, check), (report.Outcome, report.IntegrityCheck));
        Assert.Equal(outcome == VerificationOutcome.Pass ? [] : ["IntegrityCheckFailed"], report.Findings.Select(finding => finding.ErrorId));
        Assert.Equal(IntegrityCheck.None, (await VerifyAsync(folder, VerificationDepth.Files, check: check)).IntegrityCheck);
    }

    private static void FlipByte(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }

    private static async Task<string> Md5OfRestoredAsync(ReplicationFolder folder)
    {
        RestoreOptions options = new() { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = folder["restored.db"] };
        await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
        return Convert.ToHexStringLower(CryptographicOperations.HashData(HashAlgorithmName.MD5, await File.ReadAllBytesAsync(options.OutputPath)));
    }

    // A full image, captured files behind it, and one of those merged by itself, which no plan needs.
    private static async Task<ApplicationProcess> ReplicateAsync(ReplicationFolder folder)
    {
        ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        await folder.OnceAsync();
        for (int txid = 2; txid <= LastTxid; txid++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id % 3 = 0");
            await folder.OnceAsync();
        }

        Directory.CreateDirectory(Path.Combine(folder.Replica, "ltx", "1"));
        File.Copy(Captured(folder, 3), Files(folder)["merged"]);
        return application;
    }

    private static Dictionary<string, string> Files(ReplicationFolder folder) => new()
    {
        ["image"] = Directory.EnumerateFiles(Path.Combine(folder.Replica, "ltx", "9")).Single(),
        ["captured"] = Captured(folder, 3),
        ["newest"] = Captured(folder, LastTxid),
        ["merged"] = Path.Combine(folder.Replica, "ltx", "1", Path.GetFileName(Captured(folder, 3))),
    };

    private static string Captured(ReplicationFolder folder, ulong txid) =>
        Path.Combine(folder.Replica, "ltx", "0", new Litestream.Ltx.LtxFileName(txid, txid).ToString());

    // What a report says of the files, as text, so that a difference can be read.
    private static string Files(VerificationReport report) => string.Join(
        '\n', [$"{report.Outcome}, {report.FilesChecked} files, {report.BytesChecked} bytes, to {report.Txid}, {report.Pages} pages", .. report.Findings]);

    private static Task<VerificationReport> VerifyAsync(
        ReplicationFolder folder, VerificationDepth depth, ReplicaLocation? place = null, IntegrityCheck check = IntegrityCheck.Full) =>
        ReplicaVerifier.VerifyAsync(
            new VerificationOptions
            {
                Source = place ?? ReplicaLocation.Parse(folder.Replica),
                DatabasePath = folder.Database,
                Depth = depth,
                IntegrityCheck = check,
                TemporaryFolder = Directory.CreateDirectory(folder["copies"]).FullName,
                Timeout = TimeSpan.Zero,
            },
            progress: null,
            CancellationToken.None);
}
