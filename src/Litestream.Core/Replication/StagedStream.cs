using Litestream.Storage;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Replication;

/// <summary>
/// A captured file, opened for each piece that is read: a merge has hundreds of them at once, and keeps neither their content nor their
/// handles. Should it be deleted meanwhile, the rest comes from the replica, which has the same file.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="length">Its length.</param>
/// <param name="openReplica">Opens the replica's file from an offset on.</param>
internal sealed class StagedStream(string path, long length, Func<long, CancellationToken, Task<Stream>> openReplica) : ForwardStream
{
    private long _position;
    private Stream? _rest;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position == length || buffer.IsEmpty)
        {
            return 0;
        }

        if (_rest is null && TryRead(buffer.Span) is { } read and > 0)
        {
            return read;
        }

        _rest ??= await openReplica(_position, cancellationToken).ConfigureAwait(false);
        read = await _rest.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        _position += read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rest?.Dispose();
        }

        base.Dispose(disposing);
    }

    private int? TryRead(Span<byte> buffer)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            int read = RandomAccess.Read(handle, buffer, _position);
            _position += read;
            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // deleted meanwhile, or the disk does not give it: the replica does
        }
    }
}
