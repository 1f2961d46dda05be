using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>A range of a file in a replica folder, read front to back; the operating system's errors come out as the store's.</summary>
internal sealed class FolderReadStream : ForwardStream
{
    private readonly SafeFileHandle _handle;
    private readonly string _folder;
    private readonly string _path;
    private readonly long _end;
    private long _position;

    /// <summary>Takes over an open file.</summary>
    /// <param name="handle">Closed with the stream.</param>
    /// <param name="folder">The replica's folder, for errors.</param>
    /// <param name="path">The file's path, for errors.</param>
    /// <param name="start">First byte.</param>
    /// <param name="end">Where the range ends, at most the file's length now.</param>
    public FolderReadStream(SafeFileHandle handle, string folder, string path, long start, long end)
    {
        _handle = handle;
        _folder = folder;
        _path = path;
        _position = start;
        _end = end;
    }

    public override bool CanRead => !_handle.IsClosed;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            int read = RandomAccess.Read(_handle, buffer[..Wanted(buffer.Length)], _position);
            _position += read;
            return read;
        }
        catch (Exception e) when (FolderFailure.IsFileError(e))
        {
            throw Failure(e);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            int read = await RandomAccess.ReadAsync(_handle, buffer[..Wanted(buffer.Length)], _position, cancellationToken)
                .ConfigureAwait(false);
            _position += read;
            return read;
        }
        catch (Exception e) when (FolderFailure.IsFileError(e))
        {
            throw Failure(e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _handle.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Wanted(int available) => (int)Math.Min(available, _end - _position);

    private LitestreamException Failure(Exception error) => FolderFailure.Translate(error, $"reading '{_path}'", _folder, _path);
}
