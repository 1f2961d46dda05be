using Litestream.Ltx;
using Litestream.Sqlite;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>
/// One step of a follower: pages that are to replace those of the copy, first gathered beside it, then put in place at once.
/// </summary>
internal sealed class FollowStep : IAsyncDisposable
{
    private readonly string _database;
    private readonly FileStream _spool;
    private readonly List<uint> _numbers = [];

    private FollowStep(string database, int pageSize)
    {
        _database = database;
        PageSize = pageSize;
        _spool = new FileStream(
            SpoolOf(database), FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.DeleteOnClose);
    }

    /// <summary>The file that gathers pages, which a crash leaves behind.</summary>
    /// <param name="database">Full path of the copy.</param>
    public static string SpoolOf(string database) => database + "-follow-pages";

    /// <summary>Page size in bytes.</summary>
    public int PageSize { get; }

    /// <summary>Whose file it is; 0 where Litestream wrote it, or for a restored image.</summary>
    public ulong NodeId { get; private init; }

    /// <summary>Size of the database after the step, in pages.</summary>
    public uint PageCount { get; private init; }

    /// <summary>Reads a replica file whole, its checksum included.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="file">The file.</param>
    /// <param name="database">Full path of the copy.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LtxFormatException">It is damaged.</exception>
    public static async Task<FollowStep> ReadAsync(IReplicaStore store, ReplicaFile file, string database, CancellationToken cancellationToken)
    {
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
        LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, PlannedFiles.Label(file), cancellationToken).ConfigureAwait(false);
        await using (decoder.ConfigureAwait(false))
        {
            if (decoder.Header.MinTxid != file.Name.MinTxid || decoder.Header.MaxTxid != file.Name.MaxTxid)
            {
                throw new LtxFormatException(decoder.File, 0x10, "it holds other transactions than its name says");
            }

            FollowStep step = new(database, decoder.Header.PageSize) { PageCount = decoder.Header.Commit, NodeId = decoder.Header.NodeId };
            try
            {
                byte[] page = new byte[decoder.Header.PageSize];
                uint number;
                while ((number = await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false)) != 0)
                {
                    step.Add(number, page);
                }

                return step;
            }
            catch
            {
                await step.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>Gathers what differs between a restored image and the copy.</summary>
    /// <param name="image">Full path of the image; nobody has it open.</param>
    /// <param name="copy">The copy, locked.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static FollowStep Difference(string image, FollowedDatabase copy, CancellationToken cancellationToken)
    {
        using FileStream stream = new(image, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        FollowStep step = new(copy.Path, copy.PageSize) { PageCount = (uint)(stream.Length / copy.PageSize) };
        byte[] wanted = new byte[copy.PageSize];
        byte[] have = new byte[copy.PageSize];
        uint before = copy.PageCount;
        for (uint number = 1; number <= step.PageCount; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            stream.ReadExactly(wanted);
            if (number == LockPage.Number(copy.PageSize))
            {
                continue;
            }

            if (number <= before)
            {
                copy.ReadPage(number, have);
            }

            if (number > before || !wanted.AsSpan().SequenceEqual(have))
            {
                step.Add(number, wanted);
            }
        }

        return step;
    }

    /// <summary>
    /// Puts the pages in place. The copy is locked. Until the journal is deleted, whoever opens the copy after a crash puts back what was there;
    /// from then on it is the new state.
    /// </summary>
    /// <param name="copy">The copy.</param>
    /// <param name="counter">The change counter that it gets.</param>
    public void Apply(FollowedDatabase copy, uint counter)
    {
        byte[] page = new byte[PageSize];
        uint before = copy.PageCount;
        bool durable = false;
        using RollbackJournal journal = new(_database, PageSize);
        try
        {
            Keep(copy, journal, before, page);
            journal.Finish(before, DurableFile.Flush);
            DurableFile.FlushDirectory(Path.GetDirectoryName(_database)!);
            durable = true;
            Write(copy, counter, page);
            copy.Resize(PageCount);
            copy.Flush();
        }
        catch
        {
            journal.Dispose();
            if (!durable)
            {
                File.Delete(journal.Path); // nothing was written yet; else it stands, and SQLite puts the pages back
            }

            throw;
        }

        journal.Dispose();
        File.Delete(journal.Path);
        DurableFile.FlushDirectory(Path.GetDirectoryName(_database)!);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _spool.DisposeAsync();

    private void Add(uint number, ReadOnlySpan<byte> page)
    {
        if (number <= PageCount)
        {
            _numbers.Add(number);
            _spool.Write(page);
        }
    }

    private void Keep(FollowedDatabase copy, RollbackJournal journal, uint before, byte[] page)
    {
        uint lockPage = LockPage.Number(PageSize);
        IEnumerable<uint> cut = PageCount < before ? Enumerable.Range(0, (int)(before - PageCount)).Select(i => PageCount + 1 + (uint)i) : [];
        foreach (uint number in _numbers.Append(1u).Distinct().Where(number => number <= before).Concat(cut).Where(number => number != lockPage))
        {
            copy.ReadPage(number, page);
            journal.Add(number, page);
        }
    }

    private void Write(FollowedDatabase copy, uint counter, byte[] page)
    {
        _spool.Position = 0;
        bool first = false;
        foreach (uint number in _numbers)
        {
            _spool.ReadExactly(page);
            if (number == 1)
            {
                FollowedDatabase.Adapt(page, counter);
                first = true;
            }

            copy.WritePage(number, page);
        }

        if (!first)
        {
            copy.ReadPage(1, page);
            FollowedDatabase.Adapt(page, counter);
            copy.WritePage(1, page);
        }
    }
}
