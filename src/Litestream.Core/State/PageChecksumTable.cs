using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Litestream.Ltx;
using Litestream.Storage;
using Microsoft.Win32.SafeHandles;

namespace Litestream.State;

/// <summary>
/// The checksum of every page of the database as the replica has it at one transaction id: 8 bytes a page, so that pages that
/// differ can be found by reading the database alone.
/// </summary>
/// <remarks>
/// Layout, little-endian: two header slots of 64 bytes at 0 and 512, entries of 8 bytes from 4096 on, page 1 first.
/// Slot: magic u32, page size u32, pages u32, unused u32, txid u64, file checksum u64, node id u64, sequence u64,
/// CRC-64 of the 48 bytes before u64.
/// <para>
/// Crash argument. New checksums are kept in memory and only ever of files that stand whole in the staging folder. Saving at
/// transaction T: entries are written and flushed, then the header slot that is not in force is written and flushed; only
/// then may the files up to T be deleted. A crash before the header is whole leaves the header of T0 and entries of T0 to T
/// mixed; the files T0 + 1 to T are then still there (staged, or in the replica) and replaying them at the next start writes each entry that could have
/// been touched. Nothing is saved for T before every file up to T is durable, staged or in the replica.
/// </para>
/// </remarks>
internal sealed class PageChecksumTable : IDisposable
{
    private const int EntriesOffset = 4096;
    private const int SlotStride = 512;
    private const int SlotSize = 64;
    private const int SignedSize = 48;
    private const int BlockEntries = 8192;
    private const int NearEntries = 512; // one 4 KB page of the file
    private const uint Magic = 0x4C535431; // "LST1"

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly Dictionary<uint, ulong> _pending = [];
    private ulong _sequence;

    private PageChecksumTable(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
    }

    /// <summary>Page size in bytes.</summary>
    public int PageSize { get; private set; }

    /// <summary>Size of the database in pages at <see cref="Txid"/>.</summary>
    public uint PageCount { get; private set; }

    /// <summary>The transaction id that the saved table stands for.</summary>
    public ulong Txid { get; private set; }

    /// <summary>File checksum of the replica file that ends with <see cref="Txid"/>.</summary>
    public ulong FileChecksum { get; private set; }

    /// <summary>The node id that our files carry: it tells them from those of another replicator. Never 0.</summary>
    public ulong NodeId { get; private set; }

    /// <summary>Checksums that are not saved yet.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Opens the table. Null if there is none that is whole.</summary>
    /// <param name="path">Full path.</param>
    public static PageChecksumTable? TryOpen(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var table = new PageChecksumTable(handle, path);
        if (!table.TryReadSlot(0) & !table.TryReadSlot(1))
        {
            table.Dispose();
            return null;
        }

        return table;
    }

    /// <summary>
    /// Begins a new table under a temporary name, locked so that it is told from what a kill left; <see cref="Publish"/> puts it in its place.
    /// </summary>
    /// <param name="path">Full path that it will have.</param>
    /// <param name="pageSize">Page size in bytes.</param>
    /// <param name="nodeId">Node id, not 0.</param>
    public static PageChecksumTable Create(string path, int pageSize, ulong nodeId)
    {
        string temporary = DurableFile.TemporaryName(path);
        SafeFileHandle handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        return new PageChecksumTable(handle, temporary) { PageSize = pageSize, NodeId = nodeId };
    }

    /// <summary>A new random node id.</summary>
    public static ulong NewNodeId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        return (BinaryPrimitives.ReadUInt64LittleEndian(bytes) >> 1) | 1;
    }

    /// <summary>Saves a table that was begun with <see cref="Create"/> and gives it its name, replacing an older one. It must be opened anew then.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="txid">What it stands for.</param>
    /// <param name="fileChecksum">File checksum of the replica file that ends with it.</param>
    /// <param name="pageCount">Size of the database in pages.</param>
    public void Publish(string path, ulong txid, ulong fileChecksum, uint pageCount)
    {
        Save(txid, fileChecksum, pageCount);
        Dispose();
        DurableFile.Rename(_path, path);
        DurableFile.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Notes a page's checksum; it is saved with the next <see cref="Save"/>.</summary>
    /// <param name="pageNumber">The page.</param>
    /// <param name="checksum">Its checksum, see <see cref="PageChecksum"/>.</param>
    public void Set(uint pageNumber, ulong checksum) => _pending[pageNumber] = checksum;

    /// <summary>Writes consecutive checksums at once, past memory. Only for a table that is being made.</summary>
    /// <param name="first">First page.</param>
    /// <param name="checksums">One a page.</param>
    public void WriteRange(uint first, ReadOnlySpan<ulong> checksums) => WriteEntries(first, checksums);

    /// <summary>Reads consecutive checksums as they stand now, those not saved included. 0 where there never was one.</summary>
    /// <param name="first">First page.</param>
    /// <param name="checksums">Filled whole.</param>
    public void ReadRange(uint first, Span<ulong> checksums)
    {
        ReadEntries(first, checksums);
        for (int i = 0; _pending.Count > 0 && i < checksums.Length; i++)
        {
            if (_pending.TryGetValue(first + (uint)i, out ulong checksum))
            {
                checksums[i] = checksum;
            }
        }
    }

    /// <summary>Makes the table stand for a transaction, durably. Every file up to it must be durable already.</summary>
    /// <param name="txid">The transaction id.</param>
    /// <param name="fileChecksum">File checksum of the file that ends with it.</param>
    /// <param name="pageCount">Size of the database in pages then.</param>
    public void Save(ulong txid, ulong fileChecksum, uint pageCount)
    {
        WritePending();
        DurableFile.Flush(_handle, _path);
        WriteSlot(txid, fileChecksum, pageCount);
        DurableFile.Flush(_handle, _path);

        // Not before: what fails above is tried again over the same slot, and the one in force stays whole.
        _sequence++;
        (Txid, FileChecksum, PageCount) = (txid, fileChecksum, pageCount);
        _pending.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static long EntryOffset(uint pageNumber) => EntriesOffset + ((pageNumber - 1L) * sizeof(ulong));

    // Entries that lie near each other are written together with what is between them, which stays as it is: a busy database changes pages
    // all over, and to write 100,000 entries one by one held capture up for 0.2 s.
    private void WritePending()
    {
        uint[] pages = [.. _pending.Keys];
        Array.Sort(pages);
        ulong[] block = ArrayPool<ulong>.Shared.Rent(BlockEntries);
        for (int i = 0; i < pages.Length;)
        {
            uint first = pages[i];
            int end = i + 1;
            while (end < pages.Length && pages[end] - pages[end - 1] <= NearEntries && pages[end] - first < BlockEntries)
            {
                end++;
            }

            Span<ulong> entries = block.AsSpan(0, (int)(pages[end - 1] - first) + 1);
            if (entries.Length > end - i)
            {
                ReadEntries(first, entries);
            }

            for (; i < end; i++)
            {
                entries[(int)(pages[i] - first)] = _pending[pages[i]];
            }

            WriteEntries(first, entries);
        }

        ArrayPool<ulong>.Shared.Return(block);
    }

    private void ReadEntries(uint first, Span<ulong> checksums)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(checksums);
        int total = 0;
        while (total < bytes.Length)
        {
            int read = RandomAccess.Read(_handle, bytes[total..], EntryOffset(first) + total);
            if (read == 0)
            {
                bytes[total..].Clear();
                break;
            }

            total += read;
        }

        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(checksums, checksums);
        }
    }

    private void WriteEntries(uint first, ReadOnlySpan<ulong> checksums)
    {
        if (BitConverter.IsLittleEndian)
        {
            RandomAccess.Write(_handle, MemoryMarshal.AsBytes(checksums), EntryOffset(first));
            return;
        }

        ulong[] swapped = checksums.ToArray();
        BinaryPrimitives.ReverseEndianness(swapped, swapped);
        RandomAccess.Write(_handle, MemoryMarshal.AsBytes<ulong>(swapped), EntryOffset(first));
    }

    private void WriteSlot(ulong txid, ulong fileChecksum, uint pageCount)
    {
        ulong sequence = _sequence + 1;
        Span<byte> slot = stackalloc byte[SlotSize];
        slot.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(slot[4..], PageSize);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[8..], pageCount);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[16..], txid);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[24..], fileChecksum);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[32..], NodeId);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[40..], sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[SignedSize..], Crc64.Compute(slot[..SignedSize]));
        RandomAccess.Write(_handle, slot, (long)(sequence & 1) * SlotStride);
    }

    private bool TryReadSlot(int index)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        if (RandomAccess.Read(_handle, slot, index * SlotStride) != SlotSize
            || BinaryPrimitives.ReadUInt32LittleEndian(slot) != Magic
            || BinaryPrimitives.ReadUInt64LittleEndian(slot[SignedSize..]) != Crc64.Compute(slot[..SignedSize]))
        {
            return false;
        }

        ulong sequence = BinaryPrimitives.ReadUInt64LittleEndian(slot[40..]);
        if (sequence > _sequence)
        {
            _sequence = sequence;
            PageSize = BinaryPrimitives.ReadInt32LittleEndian(slot[4..]);
            PageCount = BinaryPrimitives.ReadUInt32LittleEndian(slot[8..]);
            Txid = BinaryPrimitives.ReadUInt64LittleEndian(slot[16..]);
            FileChecksum = BinaryPrimitives.ReadUInt64LittleEndian(slot[24..]);
            NodeId = BinaryPrimitives.ReadUInt64LittleEndian(slot[32..]);
        }

        return true;
    }
}
