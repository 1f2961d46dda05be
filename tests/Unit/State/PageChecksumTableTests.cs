using Litestream.State;

namespace Litestream.Tests.Unit.State;

/// <summary>The table of page checksums, whole after a crash at any step.</summary>
public sealed class PageChecksumTableTests : IDisposable
{
    private const ulong Node = 4711;

    private readonly TemporaryFolder _temporary = new();

    private string TablePath => _temporary["checksums"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void What_was_saved_is_there_after_opening_it_anew()
    {
        using (PageChecksumTable table = Create(10))
        {
            table.Set(3, 33);
            table.Set(12, 12);
            table.Save(txid: 2, fileChecksum: 222, pageCount: 12);
        }

        using PageChecksumTable again = Open();
        Assert.Equal((2ul, 222ul, 12u, 4096, Node), (again.Txid, again.FileChecksum, again.PageCount, again.PageSize, again.NodeId));
        Assert.Equal([101, 102, 33, 104, 105, 106, 107, 108, 109, 110, 0, 12, 0], Read(again, 13));
    }

    [Fact]
    public void What_is_only_noted_is_read_here_and_gone_after_a_kill()
    {
        using PageChecksumTable table = Create(10);
        table.Set(3, 33);
        table.Set(11, 11);
        Assert.Equal(2, table.PendingCount);
        Assert.Equal([33, 104], Read(table, 2, first: 3));
        Assert.Equal([110, 11, 0], Read(table, 3, first: 10));

        using PageChecksumTable after = Copied();
        Assert.Equal((1ul, 10u), (after.Txid, after.PageCount));
        Assert.Equal([103, 104], Read(after, 2, first: 3));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    public void A_torn_slot_leaves_the_other_one_in_force(int slot)
    {
        using (PageChecksumTable table = Create(10))
        {
            table.Save(2, 222, 10);
            table.Save(3, 333, 11);
        }

        byte[] bytes = File.ReadAllBytes(TablePath);
        ulong[] txids = [TxidOf(0), TxidOf(512)];
        Assert.Equal([2ul, 3ul], txids.Order());
        for (int offset = 0; offset < 56; offset++)
        {
            byte[] torn = [.. bytes];
            torn[slot + offset] ^= 0x10;
            File.WriteAllBytes(TablePath, torn);
            using PageChecksumTable table = Open();
            Assert.Equal(slot == 0 ? txids[1] : txids[0], table.Txid);
        }

        File.WriteAllBytes(TablePath, [.. bytes.AsSpan(0, 20), .. new byte[36], .. bytes.AsSpan(56, 456), .. new byte[64]]);
        Assert.Null(PageChecksumTable.TryOpen(TablePath));
        File.WriteAllBytes(TablePath, bytes[..60]);
        Assert.Null(PageChecksumTable.TryOpen(TablePath));

        ulong TxidOf(int offset) => BitConverter.ToUInt64(bytes, offset + 16);
    }

    [Fact]
    public void A_crash_between_entries_and_header_leaves_the_older_header_over_mixed_entries()
    {
        byte[] header;
        using (PageChecksumTable table = Create(10))
        {
            header = ReadWhileOpen()[..4096];
            table.Set(5, 55);
            table.Set(11, 11);
            table.Save(2, 222, 11);
        }

        // What a crash leaves after the first flush and before the header: entries new, header old.
        byte[] bytes = File.ReadAllBytes(TablePath);
        header.CopyTo(bytes, 0);
        File.WriteAllBytes(TablePath, bytes);

        using PageChecksumTable crashed = Open();
        Assert.Equal((1ul, 10u), (crashed.Txid, crashed.PageCount));
        Assert.Equal([104, 55, 106], Read(crashed, 3, first: 4));
        crashed.Set(5, 55);
        crashed.Set(11, 11);
        crashed.Save(2, 222, 11);
        using PageChecksumTable replayed = Open();
        Assert.Equal((2ul, 11u), (replayed.Txid, replayed.PageCount));
        Assert.Equal([110, 11], Read(replayed, 2, first: 10));
    }

    [Fact]
    public void Each_save_leaves_the_slot_before_it_alone()
    {
        using PageChecksumTable table = Create(3);
        for (ulong txid = 2; txid < 9; txid++)
        {
            byte[] before = ReadWhileOpen();
            table.Save(txid, txid * 10, 3);
            byte[] after = ReadWhileOpen();
            bool first = before.AsSpan(0, 64).SequenceEqual(after.AsSpan(0, 64));
            bool second = before.AsSpan(512, 64).SequenceEqual(after.AsSpan(512, 64));
            Assert.True(first ^ second);
        }
    }

    [Fact]
    public void It_shrinks_and_grows_with_the_database()
    {
        using PageChecksumTable table = Create(100);
        table.Set(1, 1);
        table.Save(2, 2, 5);
        table.Set(6, 6);
        table.Set(7, 7);
        table.Save(3, 3, 7);

        using PageChecksumTable again = Open();
        Assert.Equal(7u, again.PageCount);
        Assert.Equal([1, 102, 103, 104, 105, 6, 7], Read(again, 7));
    }

    [Fact]
    public void Large_and_scattered_saves_are_read_back()
    {
        var random = new Random(5);
        Dictionary<uint, ulong> model = [];
        using PageChecksumTable table = Create(1);
        uint[] strides = [1, 3, 2, 512, 511, 513, 1000, 1];
        for (int round = 0; round < strides.Length; round++)
        {
            uint start = (uint)random.Next(1, 20_000);
            for (uint page = start; page < Math.Min(start + (9000 * strides[round]), 60_000); page += strides[round])
            {
                model[page] = (ulong)random.NextInt64();
                table.Set(page, model[page]);
            }

            table.Save((ulong)round + 2, 0, 60_000);
            Assert.Equal(0, table.PendingCount);
        }

        using PageChecksumTable again = Open();
        ulong[] read = Read(again, 60_000);
        for (uint page = 2; page <= 60_000; page++)
        {
            Assert.Equal(model.GetValueOrDefault(page), read[page - 1]);
        }
    }

    [Fact]
    public void A_new_table_has_no_name_before_it_is_published()
    {
        using (PageChecksumTable first = Create(4))
        {
        }

        using (PageChecksumTable next = PageChecksumTable.Create(TablePath, 512, Node + 1))
        {
            next.WriteRange(1, [1, 2, 3]);
            using (PageChecksumTable old = Open())
            {
                Assert.Equal(Node, old.NodeId);
            }

            next.Publish(TablePath, 9, 99, 3);
        }

        using PageChecksumTable table = Open();
        Assert.Equal((9ul, 512, Node + 1), (table.Txid, table.PageSize, table.NodeId));
        Assert.Equal([1, 2, 3, 0], Read(table, 4));
        Assert.Equal([TablePath], Directory.EnumerateFiles(_temporary.FullPath));
        Assert.Null(PageChecksumTable.TryOpen(_temporary["none"]));
        Assert.NotEqual(PageChecksumTable.NewNodeId(), PageChecksumTable.NewNodeId());
    }

    // Pages 1 to n with checksums 101 to 100 + n, at transaction 1.
    private PageChecksumTable Create(int pages)
    {
        using (PageChecksumTable table = PageChecksumTable.Create(TablePath, 4096, Node))
        {
            var run = new PageChecksumRun(table);
            for (uint page = 1; page <= pages; page++)
            {
                run.Add(page, page + 100);
            }

            run.Flush();
            table.Publish(TablePath, 1, 111, (uint)pages);
        }

        return Open();
    }

    private PageChecksumTable Open() => PageChecksumTable.TryOpen(TablePath)!;

    // The files as a kill at this moment leaves them.
    private PageChecksumTable Copied()
    {
        string copy = TablePath + ".copy";
        File.Copy(TablePath, copy);
        return PageChecksumTable.TryOpen(copy)!;
    }

    private static ulong[] Read(PageChecksumTable table, int count, uint first = 1)
    {
        ulong[] checksums = new ulong[count];
        checksums.AsSpan().Fill(9999);
        table.ReadRange(first, checksums);
        return checksums;
    }

    private byte[] ReadWhileOpen()
    {
        using FileStream stream = new(TablePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
