using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Replication;

/// <summary>Collects bytes and writes them to a file in large pieces. One is reused for all files of a replication.</summary>
internal sealed class StagingFileOutput : IBufferWriter<byte>
{
    private const int InitialSize = 16 * 1024;
    private const int FlushSize = 1 << 20;

    private byte[] _buffer = [];
    private int _used;
    private SafeFileHandle? _file;
    private long _written;

    /// <summary>Begins a file.</summary>
    /// <param name="file">Open for writing, empty.</param>
    public void Begin(SafeFileHandle file)
    {
        _file = file;
        _used = 0;
        _written = 0;
    }

    /// <summary>Writes what is still held, and lets the file go.</summary>
    public void End()
    {
        WriteOut();
        _file = null;
        if (_buffer.Length > 2 * FlushSize)
        {
            _buffer = new byte[InitialSize];
        }
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        _used += count;
        if (_used >= FlushSize)
        {
            WriteOut();
        }
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_used);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_used);
    }

    private void Reserve(int sizeHint)
    {
        int needed = _used + Math.Max(sizeHint, 1);
        if (needed > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(needed, _buffer.Length * 2));
        }
    }

    private void WriteOut()
    {
        RandomAccess.Write(_file!, _buffer.AsSpan(0, _used), _written);
        _written += _used;
        _used = 0;
    }
}
