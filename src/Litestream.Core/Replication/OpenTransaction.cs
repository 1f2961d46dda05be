using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// The captures of one sync interval: each stands in the local state folder within milliseconds of its commit, and all of them become one
/// transaction of the replica, so one upload.
/// </summary>
/// <remarks>
/// Litestream looks for captured files by their names, <c>n-n</c>, so what is sent as one file must be one transaction. The captures are
/// parts of it, files of their own beside the staged ones (<c>n-n.ltx.part0</c>, 1, ...), each with the header of transaction n.
/// <list type="number">
/// <item>Folding merges the parts into part 0, by renaming over it, and then deletes the others, the oldest first, before anything else is
/// written. A crash in between leaves the merged part with all that it was made of, and to merge those again gives the same pages, since of each
/// page the newest part's counts; or it leaves a gap behind part 0, where a start stops. Were the newest deleted first, older images would come back.</item>
/// <item>Sealing folds and renames part 0 to the staged name. There is a part 0 or a staged file of a transaction, never both, and no part
/// without part 0 belongs to anything.</item>
/// <item>Before a checkpoint the parts are folded and part 0 is flushed: one fsync instead of one a part. Then its frames may go. From then on
/// no part 0 that is not flushed takes its place.</item>
/// <item>A start seals what an earlier process left open: the parts from 0 on, up to the first that is missing or damaged. What a power cut took was not
/// flushed, so its frames still stand in the WAL, and the head record, which names the last part's checksum, does not fit: every page is compared.
/// The sealed file is durable before the parts go.</item>
/// </list>
/// Used by capture's thread alone, but for <see cref="Since"/> and <see cref="Bytes"/>.
/// </remarks>
/// <param name="folder">The local state.</param>
/// <param name="writer">Writes the files.</param>
internal sealed class OpenTransaction(LocalStateFolder folder, StagedFileWriter writer)
{
    /// <summary>Bytes from which it is sealed although its interval is not over. Parts are merged in memory.</summary>
    public const int MaxBytes = 8 << 20;

    private const int MaxParts = 1000;

    private readonly List<StagedFile> _parts = [];
    private readonly List<string> _merged = []; // parts that are in part 0 and must go
    private bool _durable;
    private long _since; // UTC ticks; 0 for none
    private long _bytes;

    /// <summary>Whether nothing was captured since it was sealed.</summary>
    public bool IsEmpty => _parts.Count == 0;

    /// <summary>Whether it should take no more.</summary>
    public bool IsFull => _bytes >= MaxBytes || _parts.Count >= MaxParts;

    /// <summary>When its first part was captured; null if there is none.</summary>
    public DateTimeOffset? Since => Interlocked.Read(ref _since) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Bytes of its parts.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Adds a capture.</summary>
    /// <param name="header">Its header; the transaction id is that of the parts before it.</param>
    /// <param name="writePages">Writes the pages.</param>
    /// <exception cref="LocalStateException">The disk did not take it; nothing is left of it.</exception>
    public StagedFile Add(in LtxHeader header, Action<LtxEncoder> writePages)
    {
        DeleteMerged();
        StagedFile part = writer.Write(folder.PartPath(new LtxFileName(header.MinTxid, header.MaxTxid), _parts.Count), header, writePages);
        _parts.Add(part);
        Interlocked.CompareExchange(ref _since, part.Timestamp.UtcTicks, 0);
        Interlocked.Add(ref _bytes, part.Length);
        return part;
    }

    /// <summary>Makes one part of all.</summary>
    /// <returns>That part; null if there is none.</returns>
    /// <exception cref="LocalStateException">The disk did not take it; the captures are as safe as they were.</exception>
    public StagedFile? Fold()
    {
        DeleteMerged();
        if (_parts.Count > 1)
        {
            string[] paths = [.. Enumerable.Range(0, _parts.Count).Select(index => folder.PartPath(_parts[0].Name, index))];
            StagedFile? part = null;
            folder.Guard("read", () => part = Merge(paths.Select(File.ReadAllBytes), paths[0], writer, flush: _durable));
            _parts.Clear();
            _parts.Add(part!);
            Interlocked.Exchange(ref _bytes, part!.Length);
            _merged.AddRange(paths[1..]);
            DeleteMerged();
        }

        return _parts.Count == 0 ? null : _parts[0];
    }

    /// <summary>Tells that what <see cref="Fold"/> gave is durable.</summary>
    public void NoteDurable() => _durable = true;

    /// <summary>Makes a staged file of all parts.</summary>
    /// <returns>The file, to be put in line; null if there is no part.</returns>
    /// <exception cref="LocalStateException">The disk did not take it; the captures are as safe as they were.</exception>
    public StagedFile? Seal()
    {
        if (Fold() is not { } file)
        {
            return null;
        }

        folder.Guard("written", () => DurableFile.Rename(FoldedPath, folder.StagedPath(file.Name)));
        _parts.Clear();
        _durable = false;
        Interlocked.Exchange(ref _since, 0);
        Interlocked.Exchange(ref _bytes, 0);
        return file;
    }

    /// <summary>Full path of the only part, after <see cref="Fold"/>.</summary>
    public string FoldedPath => folder.PartPath(_parts[0].Name, 0);

    /// <summary>Seals what an earlier process left open, before anything else looks at the staged files.</summary>
    /// <param name="folder">The local state.</param>
    public static void Recover(LocalStateFolder folder)
    {
        foreach (LtxFileName name in folder.ListParts().Select(part => part.Name).Distinct())
        {
            // A staged file is there only if a start was killed between the two steps below: it holds all that the parts did.
            List<byte[]> parts = ReadWhole(folder, name, out ulong lastChecksum);
            if (parts.Count > 0 && !File.Exists(folder.StagedPath(name)))
            {
                folder.Guard("written", () => Complete(folder, name, parts, lastChecksum));
            }

            folder.DeleteParts(name);
        }
    }

    private static void Complete(LocalStateFolder folder, LtxFileName name, List<byte[]> parts, ulong lastChecksum)
    {
        StagedFile file = Merge(parts, folder.StagedPath(name), new StagedFileWriter(folder), flush: true);
        DurableFile.FlushDirectory(folder.StagingPath);
        using var head = new HeadRecordFile(folder.HeadPath);
        if (head.TryRead(name.MaxTxid, out HeadRecord record) && record.FileChecksum == lastChecksum)
        {
            head.Write(record with { FileChecksum = file.FileChecksum });
        }
    }

    private static List<byte[]> ReadWhole(LocalStateFolder folder, LtxFileName name, out ulong lastChecksum)
    {
        List<byte[]> parts = [];
        lastChecksum = 0;
        try
        {
            for (string path = folder.PartPath(name, 0); File.Exists(path); path = folder.PartPath(name, parts.Count))
            {
                byte[] bytes = [];
                folder.Guard("read", () => bytes = File.ReadAllBytes(path));
                lastChecksum = AtOnce(LtxDecoder.VerifyAsync(new MemoryStream(bytes), path, CancellationToken.None)).FileChecksum;
                parts.Add(bytes);
            }
        }
        catch (LtxFormatException)
        {
            // A power cut took part of it, and what came after it builds on it.
        }

        return parts;
    }

    // All from memory, so that nothing waits.
    private static StagedFile Merge(IEnumerable<byte[]> parts, string path, StagedFileWriter writer, bool flush)
    {
        List<LtxDecoder> inputs = [.. parts.Select(part => AtOnce(LtxDecoder.OpenAsync(new MemoryStream(part), path, 4096, CancellationToken.None)))];
        try
        {
            using LtxMergeQueue merge = new(inputs);
            return writer.Write(path, MakeHeader(inputs[0].Header, inputs[^1].Header), WritePages, flush);

            void WritePages(LtxEncoder encoder)
            {
                while (AtOnce(merge.TryNextAsync(CancellationToken.None).AsTask()))
                {
                    merge.WriteTo(encoder);
                }
            }
        }
        finally
        {
            foreach (LtxDecoder input in inputs)
            {
                input.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
    }

    // Its WAL fields say where the last part ended, and where the first began if that was in the same generation.
    private static LtxHeader MakeHeader(in LtxHeader first, in LtxHeader last) =>
        first.WalSalt1 == last.WalSalt1 && first.WalSalt2 == last.WalSalt2 && first.WalOffset <= last.WalOffset
            ? last with { WalOffset = first.WalOffset, WalSize = last.WalOffset + last.WalSize - first.WalOffset }
            : last;

    private static T AtOnce<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private void DeleteMerged()
    {
        foreach (string path in _merged)
        {
            folder.Guard("cleaned", () => File.Delete(path));
        }

        _merged.Clear();
    }
}
