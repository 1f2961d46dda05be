using Amazon.S3;
using Amazon.S3.Model;

namespace Litestream.Storage;

/// <summary>
/// Reads an object or a range of it, front to back. A connection that breaks or stalls is made anew from where it stood, for the
/// same version of the object (its ETag): bytes of two versions are never mixed. Errors come out as the store's.
/// </summary>
internal sealed class S3ReadStream : Stream
{
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Budget = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);

    private readonly IAmazonS3 _client;
    private readonly Func<GetObjectRequest> _request;
    private readonly string _place;
    private readonly string _key;
    private readonly long _end;
    private GetObjectResponse? _response;
    private string? _etag;
    private long _position;
    private long _promised;

    private S3ReadStream(IAmazonS3 client, Func<GetObjectRequest> request, string place, string key, long offset, long end)
    {
        (_client, _request, _place, _key, _position, _end) = (client, request, place, key, offset, end);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Opens an object, so that a missing one is known at once.</summary>
    /// <param name="client">The service.</param>
    /// <param name="request">A request for the whole object.</param>
    /// <param name="place">The replica's place, for errors.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">How many bytes at most; null for all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<Stream> OpenAsync(
        IAmazonS3 client, Func<GetObjectRequest> request, string place, long offset, long? length, CancellationToken cancellationToken)
    {
        long end = length is { } count && count < long.MaxValue - offset ? offset + count : long.MaxValue;
        S3ReadStream stream = new(client, request, place, request().Key, offset, end);
        try
        {
            await stream.ConnectAsync(cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch (Exception e) when (S3Failure.IsPastEnd(e))
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            return Null;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int wanted = (int)Math.Min(buffer.Length, _end - _position);
        if (wanted == 0)
        {
            return 0;
        }

        long began = Environment.TickCount64;
        TimeSpan pause = FirstPause;
        while (true)
        {
            try
            {
                if (_response is null)
                {
                    await ConnectAsync(cancellationToken).ConfigureAwait(false);
                }

                return await ReadOnceAsync(buffer[..wanted], cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (S3Failure.IsServiceError(e, cancellationToken))
            {
                Disconnect();
                if (S3Failure.IsConditionFailed(e) || S3Failure.IsMissingObject(e))
                {
                    throw new ReplicaFileNotFoundException(
                        $"The replica's file '{_key}' was replaced or deleted while it was read. Nothing was changed. Do it again: the replica is listed anew.", e)
                    { Replica = _place, File = _key };
                }

                if (S3Failure.IsDenied(e) || Environment.TickCount64 - began > Budget.TotalMilliseconds)
                {
                    throw S3Failure.Translate(e, $"reading '{_key}'", _place, _key);
                }

                await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < TimeSpan.FromSeconds(10) ? pause * 2 : TimeSpan.FromSeconds(10);
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        Disconnect();
        base.Dispose(disposing);
    }

    private async Task<int> ReadOnceAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stall.CancelAfter(StallLimit);
        int read = await _response!.ResponseStream.ReadAsync(buffer, stall.Token).ConfigureAwait(false);
        _position += read;

        // An early end is an error: the length was promised.
        return read > 0 || _position >= _promised ? read : throw new IOException("The connection was closed in the middle.");
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        GetObjectRequest request = _request();
        request.EtagToMatch = _etag;
        if (_position > 0 || _end < long.MaxValue)
        {
            request.ByteRange = new ByteRange(_position, Math.Max(_position, _end - 1));
        }

        _response = await _client.GetObjectAsync(request, cancellationToken).ConfigureAwait(false);
        _etag ??= _response.ETag;
        _promised = _position + _response.ContentLength;
    }

    private void Disconnect()
    {
        _response?.Dispose();
        _response = null;
    }
}
