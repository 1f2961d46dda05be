using System.Collections.Concurrent;

namespace Litestream.Storage;

/// <summary>
/// The memory in which one store fetches in advance, whatever the number and the size of the files that are read at the same time.
/// </summary>
internal sealed class S3ReadAhead
{
    /// <summary>Bytes that are fetched with one request.</summary>
    public const int PieceSize = 4 << 20;

    /// <summary>Pieces that one file has on their way at most.</summary>
    public const int PiecesOfOne = 4;

    private const int PiecesOfAll = 6;

    private readonly ConcurrentBag<byte[]> _free = [];
    private int _taken;

    /// <summary>Takes memory for a piece; null if all of it is in use.</summary>
    public S3Piece? TryTake()
    {
        if (Interlocked.Increment(ref _taken) > PiecesOfAll)
        {
            Interlocked.Decrement(ref _taken);
            return null;
        }

        return new S3Piece(this, _free.TryTake(out byte[]? memory) ? memory : new byte[PieceSize]);
    }

    /// <summary>Takes it back.</summary>
    /// <param name="memory">Of a piece that is done with.</param>
    internal void Return(byte[] memory)
    {
        _free.Add(memory);
        Interlocked.Decrement(ref _taken);
    }
}
