using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace Litestream.Storage;

/// <summary>
/// Reads an object or a range of it, front to back. A connection that breaks or stalls is made anew from where it stood, for the
/// same version of the object (its ETag): bytes of two versions are never mixed. Errors come out as the store's.
/// <para>
/// A small object is one request. Behind the first <see cref="FirstRange"/> bytes of a larger one, pieces are fetched some in advance, side
/// by side, and given out in order, as long as the store's memory for that (<see cref="S3ReadAhead"/>) has room; else range after range.
/// </para>
/// </summary>
internal sealed class S3ReadStream : ForwardStream
{
    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Budget = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private const long FirstRange = 2 * S3ReadAhead.PieceSize;

    private readonly IAmazonS3 _client;
    private readonly Func<GetObjectRequest> _request;
    private readonly string _place;
    private readonly string _key;
    private readonly S3ReadAhead _ahead;
    private readonly TimeProvider _time;
    private readonly Queue<Task<S3Piece>> _pieces = new();
    private readonly CancellationTokenSource _closed = new();
    private S3Piece? _piece;
    private long _fetched;
    private long _end;
    private GetObjectResponse? _response;
    private string? _etag;
    private long _position;
    private long _promised;

    private S3ReadStream(
        IAmazonS3 client, Func<GetObjectRequest> request, string place, S3ReadAhead ahead, TimeProvider time, long offset, long end, string? etag)
    {
        (_client, _request, _place, _ahead, _time, _position, _end, _etag) = (client, request, place, ahead, time, offset, end, etag);
        _key = request().Key;
    }

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Opens an object, so that a missing one is known at once.</summary>
    /// <param name="client">The service.</param>
    /// <param name="request">A request for the whole object.</param>
    /// <param name="place">The replica's place, for errors.</param>
    /// <param name="ahead">The store's memory for what is fetched in advance.</param>
    /// <param name="time">The clock of retries.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">How many bytes at most; null for all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<Stream> OpenAsync(
        IAmazonS3 client,
        Func<GetObjectRequest> request,
        string place,
        S3ReadAhead ahead,
        TimeProvider time,
        long offset,
        long? length,
        CancellationToken cancellationToken)
    {
        long end = length is { } count && count < long.MaxValue - offset ? offset + count : long.MaxValue;
        S3ReadStream stream = new(client, request, place, ahead, time, offset, end, etag: null);
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
        long began = _time.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (_position < _end && buffer.Length > 0)
        {
            try
            {
                if (_piece is not null || (_response is null && await TakePieceAsync(cancellationToken).ConfigureAwait(false)))
                {
                    return ReadPiece(buffer.Span);
                }

                if (_response is null)
                {
                    await ConnectAsync(cancellationToken).ConfigureAwait(false);
                }

                if (await ReadOnceAsync(buffer[..(int)Math.Min(buffer.Length, _end - _position)], cancellationToken).ConfigureAwait(false) is var read and > 0)
                {
                    return read;
                }

                Disconnect(); // its range has come whole
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

                if (S3Failure.IsDenied(e) || _time.GetElapsedTime(began) > Budget)
                {
                    throw S3Failure.Translate(e, $"reading '{_key}'", _place, _key);
                }

                await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), _time, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < TimeSpan.FromSeconds(10) ? pause * 2 : TimeSpan.FromSeconds(10);
            }
        }

        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    protected override void Dispose(bool disposing)
    {
        _closed.Cancel(); // pieces that are on their way give their memory back when they end
        Disconnect();
        _piece?.Dispose();
        _piece = null;
        Abandon();

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
        long end = Math.Min(_end, _position + FirstRange);
        request.ByteRange = new ByteRange(_position, Math.Max(_position, end - 1));
        _response = await _client.GetObjectAsync(request, cancellationToken).ConfigureAwait(false);
        if (_position > 0 && _response.HttpStatusCode == HttpStatusCode.OK)
        {
            Disconnect();
            throw new IOException("The service gave the whole object instead of the range that was asked for.");
        }

        _etag ??= _response.ETag;
        _promised = _position + _response.ContentLength;

        // "bytes 0-8388607/104857600"; without it the service gives all there is.
        string? range = _response.ContentRange;
        long total = range is not null && long.TryParse(range.AsSpan(range.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long size)
            ? size
            : _promised;
        _end = Math.Min(_end, total);
        _fetched = Math.Max(_fetched, Math.Min(_promised, _end));
    }

    private void Disconnect()
    {
        _response?.Dispose();
        _response = null;
    }

    /// <summary>Takes the next piece of those that are fetched in advance; false if there is none, because memory is short or nothing is known yet.</summary>
    private async Task<bool> TakePieceAsync(CancellationToken cancellationToken)
    {
        bool atPieces = _fetched > 0 && (_pieces.Count > 0 || _position == _fetched);
        while (atPieces && _fetched < _end && _pieces.Count < S3ReadAhead.PiecesOfOne && _ahead.TryTake() is { } piece)
        {
            int length = (int)Math.Min(S3ReadAhead.PieceSize, _end - _fetched);
            _pieces.Enqueue(FetchAsync(piece, _fetched, length));
            _fetched += length;
        }

        if (!_pieces.TryDequeue(out Task<S3Piece>? next))
        {
            return false;
        }

        try
        {
            _piece = await next.WaitAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch
        {
            // What was to come behind it is fetched anew from here, if this is tried again.
            GiveBack(next);
            Abandon();
            throw;
        }
    }

    private void Abandon()
    {
        _fetched = _position;
        while (_pieces.TryDequeue(out Task<S3Piece>? piece))
        {
            GiveBack(piece);
        }
    }

    // One that fails has given its memory back already, and its error is another's or nobody's.
    private static void GiveBack(Task<S3Piece> fetching) => _ = fetching.ContinueWith(
        static task =>
        {
            if (task.IsCompletedSuccessfully)
            {
                task.Result.Dispose();
            }
            else
            {
                _ = task.Exception;
            }
        },
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    // A piece is a range read as any other, with its own retries; it is short enough to be one request.
    private async Task<S3Piece> FetchAsync(S3Piece piece, long offset, int length)
    {
        try
        {
            S3ReadStream range = new(_client, _request, _place, _ahead, _time, offset, offset + length, _etag);
            await using (range.ConfigureAwait(false))
            {
                await range.ReadExactlyAsync(piece.Fill(length), _closed.Token).ConfigureAwait(false);
                return piece;
            }
        }
        catch
        {
            piece.Dispose();
            throw;
        }
    }

    private int ReadPiece(Span<byte> buffer)
    {
        int read = _piece!.Read(buffer);
        _position += read;
        if (_piece.IsEmpty)
        {
            _piece.Dispose();
            _piece = null;
        }

        return read;
    }
}
