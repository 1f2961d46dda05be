using Litestream.Ltx;
using Litestream.State;

namespace Litestream.Tests.Unit.State;

/// <summary>The head record and the local state folder.</summary>
public sealed class LocalStateTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_head_record_is_found_by_its_transaction_alone()
    {
        string path = _temporary["head"];
        HeadRecord first = Record(7);
        HeadRecord second = Record(8);
        using (HeadRecordFile file = new(path))
        {
            Assert.False(file.TryRead(7, out _));
            file.Write(first);
            file.Write(second);
        }

        using HeadRecordFile head = new(path);
        Assert.True(head.TryRead(7, out HeadRecord read));
        Assert.Equal(first, read);
        Assert.True(head.TryRead(8, out read));
        Assert.Equal(second, read);
        Assert.False(head.TryRead(6, out _));
        Assert.False(head.TryRead(9, out _));

        head.Write(Record(9));
        Assert.False(head.TryRead(7, out _));
        Assert.True(head.TryRead(8, out _));
    }

    [Fact]
    public void A_torn_head_record_is_none_and_leaves_its_neighbour()
    {
        string path = _temporary["head"];
        using (HeadRecordFile file = new(path))
        {
            file.Write(Record(8));
            file.Write(Record(9));
        }

        byte[] bytes = File.ReadAllBytes(path);
        for (int offset = 0; offset < 56; offset++)
        {
            byte[] torn = [.. bytes];
            torn[64 + offset] ^= 4;
            File.WriteAllBytes(path, torn);
            using HeadRecordFile file = new(path);
            Assert.False(file.TryRead(9, out _), $"byte {offset}");
            Assert.True(file.TryRead(8, out _));
        }

        File.WriteAllBytes(path, bytes[..100]);
        using HeadRecordFile cut = new(path);
        Assert.False(cut.TryRead(9, out _));
        Assert.True(cut.TryRead(8, out _));
    }

    [Fact]
    public void The_folder_lists_what_waits_in_order_and_removes_what_is_half_written()
    {
        var folder = new LocalStateFolder(_temporary["app.db"]);
        Assert.Equal(_temporary[".app.db-litestream"], folder.Path);
        Assert.Empty(folder.ListStaged());
        folder.Create();
        folder.Create();
        LtxFileName[] names = [new(2, 2), new(3, 3), new(16, 16)];
        foreach (LtxFileName name in names.Reverse())
        {
            File.WriteAllText(folder.StagedPath(name), "");
        }

        File.WriteAllText(Path.Combine(folder.StagingPath, "note.txt"), "");
        File.WriteAllText(folder.StagedPath(names[0]) + ".1.tmp", "");
        File.WriteAllText(folder.AdoptionPath, "");
        File.WriteAllText(folder.TablePath, "");

        folder.DeleteTemporaries();

        Assert.Equal(names, folder.ListStaged());
        Assert.False(File.Exists(folder.AdoptionPath));
        Assert.True(File.Exists(folder.TablePath));
        Assert.Equal(4, Directory.EnumerateFiles(folder.StagingPath).Count());
    }

    [Fact]
    public void A_failure_in_the_folder_names_database_and_folder()
    {
        File.WriteAllText(_temporary[".app.db-litestream"], "in the way");
        var folder = new LocalStateFolder(_temporary["app.db"]);

        LocalStateException error = Assert.Throws<LocalStateException>(folder.Create);

        Assert.Equal((folder.DatabasePath, folder.Path), (error.Database, error.File));
        Assert.Contains("could not be made", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_killed_restore_left_goes_and_what_a_living_one_makes_stays()
    {
        var folder = new LocalStateFolder(_temporary["app.db"]);
        using ChildProcess living = ChildProcess.Start(SeedAsync, [folder.DatabasePath]);
        await living.ReadLineAsync();
        using (ChildProcess killed = ChildProcess.Start(SeedAsync, [folder.DatabasePath]))
        {
            await killed.ReadLineAsync();
            await killed.KillAsync();
            Assert.Contains($"checksums.{killed.Id}.tmp", Names());
        }

        using LocalStateSeed seed = new(folder.DatabasePath, 512);

        Assert.Equal(((string[])[$"checksums.{living.Id}.tmp", $"checksums.{Environment.ProcessId}.tmp"]).Order(), Names().Order());

        IEnumerable<string?> Names() => Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName);
    }

    [Fact]
    public void A_seed_replaces_an_older_state_only_when_it_is_published()
    {
        var folder = new LocalStateFolder(_temporary["app.db"]);
        using (LocalStateSeed seed = new(folder.DatabasePath, 512))
        {
            seed.Note(1, PageChecksum.Compute(1, new byte[512]));
            seed.Publish(5, 55, 1);
        }

        ulong node = NodeId();
        File.WriteAllText(folder.StagedPath(new LtxFileName(6, 6)), "");
        File.WriteAllText(folder.HeadPath, "");
        using (LocalStateSeed given = new(folder.DatabasePath, 512))
        {
            given.Note(1, PageChecksum.Compute(1, new byte[512]));
        }

        Assert.Equal(node, NodeId());
        Assert.Single(folder.ListStaged());
        using (LocalStateSeed seed = new(folder.DatabasePath, 512))
        {
            byte[] page = new byte[512];
            page[0] = 1;
            seed.Note(2, PageChecksum.Compute(2, page));
            seed.Note(1, PageChecksum.Compute(1, new byte[512]));
            seed.Publish(8, 88, 2);
        }

        Assert.NotEqual(node, NodeId());
        Assert.Empty(folder.ListStaged());
        Assert.False(File.Exists(folder.HeadPath));
        using PageChecksumTable table = PageChecksumTable.TryOpen(folder.TablePath)!;
        ulong[] read = new ulong[2];
        table.ReadRange(1, read);
        Assert.Equal((8ul, 88ul, 2u), (table.Txid, table.FileChecksum, table.PageCount));
        Assert.Equal(PageChecksum.Compute(1, new byte[512]), read[0]);
        Assert.NotEqual(read[0], read[1]);
        Assert.Equal(["checksums", "ltx"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());

        ulong NodeId()
        {
            using PageChecksumTable table = PageChecksumTable.TryOpen(folder.TablePath)!;
            return table.NodeId;
        }
    }

    private static HeadRecord Record(ulong txid) => new(txid, txid * 11, 1, 2, 3, 4, 5, 6, 4096);

    private static async Task SeedAsync(string[] args)
    {
        using LocalStateSeed seed = new(args[0], 512);
        seed.Note(1, PageChecksum.Compute(1, new byte[512]));
        Console.WriteLine("seeding");
        await Console.In.ReadLineAsync();
    }
}
