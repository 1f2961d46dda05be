using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>
/// The stream that the writer of a file fills, front to back. The operating system's errors come out as the store's, so that
/// an error of the writer's own input is never taken for one of the replica. Closing it writes nothing: what is buffered
/// reaches the file in <see cref="Flush"/>, so that a failed transfer does not fail a second time on its way out.
/// </summary>
internal sealed class FolderWriteStream : Stream
{
    private readonly SafeFileHandle _handle;
    private readonly string _folder;
    private readonly string _path;
    private readonly byte[] _buffer;
    private int _buffered;
    private long _written;

    /// <summary>Wraps the open temporary file, which stays open when this stream is closed.</summary>
    /// <param name="handle">The temporary file, empty.</param>
    /// <param name="folder">The replica's folder, for errors.</param>
    /// <param name="path">The final path, for errors.</param>
    /// <param name="bufferSize">Bytes that are collected before they are written.</param>
    public FolderWriteStream(SafeFileHandle handle, string folder, string path, int bufferSize)
    {
        _handle = handle;
        _folder = folder;
        _path = path;
        _buffer = new byte[bufferSize];
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    /// <summary>Bytes given so far.</summary>
    public override long Length => _written + _buffered;

    /// <summary>Bytes given so far.</summary>
    public override long Position
    {
        get => _written + _buffered;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (TryBuffer(buffer))
        {
            return;
        }

        Flush();
        if (!TryBuffer(buffer))
        {
            WriteOut(buffer);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (TryBuffer(buffer.Span))
        {
            return;
        }

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        if (!TryBuffer(buffer.Span))
        {
            await WriteOutAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Hands what is buffered to the operating system; making it durable is the store's last step.</summary>
    public override void Flush()
    {
        WriteOut(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await WriteOutAsync(_buffer.AsMemory(0, _buffered), cancellationToken).ConfigureAwait(false);
        _buffered = 0;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private bool TryBuffer(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _buffered)
        {
            return false;
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
        return true;
    }

    private void WriteOut(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, _written);
            NoteWritten(bytes.Length);
        }
        catch (Exception e) when (FolderFailure.IsFileError(e))
        {
            throw Failure(e);
        }
    }

    private async ValueTask WriteOutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await RandomAccess.WriteAsync(_handle, bytes, _written, cancellationToken).ConfigureAwait(false);
            NoteWritten(bytes.Length);
        }
        catch (Exception e) when (FolderFailure.IsFileError(e))
        {
            throw Failure(e);
        }
    }

    private void NoteWritten(int length)
    {
        DurableFile.BeginToFlush(_handle, _written, _written + length);
        _written += length;
    }

    private LitestreamException Failure(Exception error) => FolderFailure.Translate(error, $"writing '{_path}'", _folder, _path);
}
