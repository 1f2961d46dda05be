using System.Collections.Concurrent;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace Litestream.Storage;

/// <summary>
/// The stream that the writer of an object fills. Up to one part goes up as one request of exact size when all is known; more goes up part
/// by part, a few side by side, in constant memory: <see cref="MaxMemory"/>, or two parts if those are more. Nothing is visible before <see cref="CompleteAsync"/>; disposing it before that aborts.
/// <para>
/// An object whose turn has not come is sent all but its last step: the last byte of the one request (<see cref="S3HeldContent"/>), or the completion of
/// the parts. Before that step the lease is looked at once more, since the wait may have been longer than it holds.
/// </para>
/// </summary>
internal sealed class S3WriteStream(IAmazonS3 client, S3ReplicaStore store, string key, DateTimeOffset timestamp, long? length) : Stream
{
    private readonly int _partSize = store.Place.PartSize;
    private const int MaxMemory = 24 << 20;

    private readonly int _concurrency = Math.Clamp(
        (MaxMemory / store.Place.PartSize) - 1, 1, store.Concurrency); // and the one that is filled
    private readonly List<Task<PartETag>> _parts = [];
    private readonly ConcurrentBag<byte[]> _free = [];
    private byte[] _buffer = new byte[(int)Math.Min(length ?? store.Place.PartSize, store.Place.PartSize)];
    private string? _uploadId;
    private int _buffered;
    private long _written;
    private CancellationToken _cancellationToken;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    /// <summary>Bytes given so far.</summary>
    public override long Length => _written;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _cancellationToken = cancellationToken;
        while (buffer.Length > 0)
        {
            if (_buffered == _partSize)
            {
                await SendPartAsync(cancellationToken).ConfigureAwait(false);
            }

            if (_buffered == _buffer.Length)
            {
                Array.Resize(ref _buffer, _partSize); // longer than promised: refused when all has come
            }

            int taken = Math.Min(buffer.Length, _buffer.Length - _buffered);
            buffer[..taken].CopyTo(_buffer.AsMemory(_buffered));
            _buffered += taken;
            _written += taken;
            buffer = buffer[taken..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count), _cancellationToken).AsTask().GetAwaiter().GetResult();

    /// <summary>Sends the rest and makes the object visible.</summary>
    /// <param name="turn">Completes when it may become that.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The ETag of the object.</returns>
    public async Task<string?> CompleteAsync(Task turn, CancellationToken cancellationToken)
    {
        if (_uploadId is null)
        {
            if (!turn.IsCompleted && _buffered > 0 && await TrySendAheadAsync(turn, cancellationToken).ConfigureAwait(false) is { } etag)
            {
                return etag;
            }

            await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            using MemoryStream content = new(_buffer, 0, _buffered, writable: false);
            return await PutAsync(content, cancellationToken).ConfigureAwait(false);
        }

        await SendPartAsync(cancellationToken).ConfigureAwait(false);
        PartETag[] parts = await Task.WhenAll(_parts).ConfigureAwait(false);
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        await store.EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
        CompleteMultipartUploadResponse whole = await client.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest { BucketName = store.Place.Bucket, Key = key, UploadId = _uploadId, PartETags = [.. parts] },
            cancellationToken).ConfigureAwait(false);
        _uploadId = null;
        return whole.ETag;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_uploadId is { } id)
        {
            _uploadId = null;
            await ((Task)Task.WhenAll(_parts)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await client.AbortMultipartUploadAsync(store.Place.Bucket, key, id, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (S3Failure.IsServiceError(e, CancellationToken.None))
            {
                // What failed before has been reported; the next writer aborts what is left.
            }
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Sends the object in one request that waits for the turn before its last byte. Null if that came to nothing.</summary>
    private async Task<string?> TrySendAheadAsync(Task turn, CancellationToken cancellationToken)
    {
        using S3HeldContent content = new(_buffer, _buffered, TurnAsync);
        try
        {
            return await PutAsync(content, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (S3Failure.IsServiceError(e, cancellationToken))
        {
            // A service does not wait for a byte as long as it may take. The file is sent anew when its turn has come, and what is wrong is said then.
            return null;
        }

        async Task TurnAsync()
        {
            await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            await store.EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> PutAsync(Stream content, CancellationToken cancellationToken)
    {
        PutObjectRequest put = store.Request(new PutObjectRequest { BucketName = store.Place.Bucket, Key = key, InputStream = content }, timestamp);
        put.MD5Digest = Md5(_buffer.AsSpan(0, _buffered));
        await store.EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
        return (await client.PutObjectAsync(put, cancellationToken).ConfigureAwait(false)).ETag;
    }

    private async Task SendPartAsync(CancellationToken cancellationToken)
    {
        if (_uploadId is null)
        {
            await store.EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
            InitiateMultipartUploadRequest start = store.Request(
                new InitiateMultipartUploadRequest { BucketName = store.Place.Bucket, Key = key }, timestamp);
            _uploadId = (await client.InitiateMultipartUploadAsync(start, cancellationToken).ConfigureAwait(false)).UploadId;
        }

        if (_parts.Count >= _concurrency)
        {
            await _parts[^_concurrency].ConfigureAwait(false); // bounds what is in memory
        }

        await store.EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
        _parts.Add(UploadPartAsync(_buffer, _buffered, _parts.Count + 1, cancellationToken));
        _buffer = _free.TryTake(out byte[]? used) ? used : new byte[_partSize];
        _buffered = 0;
    }

    private async Task<PartETag> UploadPartAsync(byte[] content, int count, int number, CancellationToken cancellationToken)
    {
        using MemoryStream stream = new(content, 0, count, writable: false);
        UploadPartRequest part = store.Request(new UploadPartRequest
        {
            BucketName = store.Place.Bucket,
            Key = key,
            UploadId = _uploadId,
            PartNumber = number,
            PartSize = count,
            InputStream = stream,
            UseChunkEncoding = false,
            MD5Digest = Md5(content.AsSpan(0, count)),
        });
        UploadPartResponse done = await client.UploadPartAsync(part, cancellationToken).ConfigureAwait(false);
        _free.Add(content);
        return new PartETag(number, done.ETag);
    }

#pragma warning disable CA5351 // the protocol's own check of what arrives; no secret depends on it
    private string? Md5(ReadOnlySpan<byte> content) =>
        store.Place.Profile.ContentMd5 ? Convert.ToBase64String(MD5.HashData(content)) : null;
#pragma warning restore CA5351
}
