namespace Litestream.Storage;

/// <summary>A piece of an object, fetched in advance. Disposing it, once, gives its memory back.</summary>
/// <param name="owner">Whose memory it is.</param>
/// <param name="memory">The memory.</param>
internal sealed class S3Piece(S3ReadAhead owner, byte[] memory) : IDisposable
{
    private int _start;
    private int _length;
    private int _disposed;

    /// <summary>Whether all of it has been read.</summary>
    public bool IsEmpty => _start == _length;

    /// <summary>Where its bytes are to be put.</summary>
    /// <param name="length">How many they are.</param>
    public Memory<byte> Fill(int length)
    {
        (_start, _length) = (0, length);
        return memory.AsMemory(0, length);
    }

    /// <summary>Reads the next bytes of it.</summary>
    /// <param name="buffer">Gets them.</param>
    public int Read(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _length - _start);
        memory.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            owner.Return(memory);
        }
    }
}
