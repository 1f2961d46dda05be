using System.Buffers.Binary;
using Litestream.Ltx;
using Microsoft.Win32.SafeHandles;

namespace Litestream.State;

/// <summary>
/// The file of the last two head records. It is written at each capture without a flush: a process that is killed leaves it whole,
/// and after a power cut a record that is missing, torn or of another transaction only costs a scan of the database.
/// </summary>
/// <remarks>
/// Two slots, by the transaction id's lowest bit, so that writing the record of N leaves that of N - 1 alone: N's record is
/// written after N's file is in place, and a kill between the two finds N - 1's record, which says nothing of N, so nothing false.
/// Slot, 64 bytes, little-endian: magic u32, page size u32, txid u64, file checksum u64, salts 2 x u32, frame u32,
/// checksums 2 x u32, pages u32, CRC-64 of the 48 bytes before u64, 8 bytes unused.
/// </remarks>
internal sealed class HeadRecordFile : IDisposable
{
    private const int SlotSize = 64;
    private const int SignedSize = 48;
    private const uint Magic = 0x4C534831; // "LSH1"

    private readonly SafeFileHandle _handle;
    private readonly byte[] _slot = new byte[SlotSize];

    /// <summary>Opens or makes the file.</summary>
    /// <param name="path">Full path.</param>
    public HeadRecordFile(string path) =>
        _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Writes a record.</summary>
    /// <param name="record">The record.</param>
    public void Write(in HeadRecord record)
    {
        Span<byte> slot = _slot;
        slot.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(slot[4..], record.PageSize);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], record.Txid);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[16..], record.FileChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[24..], record.Salt1);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[28..], record.Salt2);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[32..], record.MaxFrame);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[36..], record.Checksum1);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[40..], record.Checksum2);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[44..], record.PageCount);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[SignedSize..], Crc64.Compute(slot[..SignedSize]));
        RandomAccess.Write(_handle, slot, (long)(record.Txid & 1) * SlotSize);
    }

    /// <summary>Finds the record of a transaction id. False if there is none that is whole.</summary>
    /// <param name="txid">The transaction id.</param>
    /// <param name="record">Its record.</param>
    public bool TryRead(ulong txid, out HeadRecord record)
    {
        Span<byte> slot = _slot;
        record = default;
        if (RandomAccess.Read(_handle, slot, (long)(txid & 1) * SlotSize) != SlotSize
            || BinaryPrimitives.ReadUInt32LittleEndian(slot) != Magic
            || BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]) != txid
            || BinaryPrimitives.ReadUInt64LittleEndian(slot[SignedSize..]) != Crc64.Compute(slot[..SignedSize]))
        {
            return false;
        }

        record = new HeadRecord(
            txid,
            BinaryPrimitives.ReadUInt64LittleEndian(slot[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(slot[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(slot[28..]),
            BinaryPrimitives.ReadUInt32LittleEndian(slot[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(slot[36..]),
            BinaryPrimitives.ReadUInt32LittleEndian(slot[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(slot[44..]),
            BinaryPrimitives.ReadInt32LittleEndian(slot[4..]));
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
