using Amazon.S3;
using Amazon.S3.Model;

namespace Litestream.Storage;

/// <summary>
/// The right to write to a replica in a bucket: the object <c>lock.json</c>, as Litestream's leaser writes it
/// (<c>generation</c>, <c>expires_at</c>, <c>owner</c>), with what a second replicator is told about the first beside it.
/// <para>
/// Taken by a PUT that only succeeds if the object is not there, or is still the expired one that was read. Renewed the same way by its ETag,
/// and only when something is to be written and a third of its time has passed: an idle replication asks nothing of the service. An idle
/// lease therefore runs out, and another may take it; then the condition of our next renewal fails, and from that moment this
/// writer writes nothing more. Two never write side by side: whoever writes has renewed less than a third of the time ago, or proves first that the
/// object is still the one that it wrote.
/// </para>
/// <para>
/// A crash leaves the lease to run out. The same machine need not wait: the record names the process and when it began, and one
/// that no longer runs here holds nothing. A process that was stopped (SIGSTOP) between its renewal and a request in flight for longer than the
/// lease could still deliver that one request; clocks that differ between two machines by more than two thirds of the time could, too.
/// A service without conditions (501) is written to and read back.
/// </para>
/// </summary>
internal sealed class S3Lease : IReplicaLease
{
    /// <summary>Litestream's names and times.</summary>
    public const string FileName = "lock.json";

    /// <summary>How long a lease holds.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    private const int MaxBytes = 64 * 1024;

    private readonly IAmazonS3 _client;
    private readonly S3Location _place;
    private readonly string _key;
    private readonly ReplicaOwner _owner;
    private readonly TimeProvider _time;
    private readonly Action _released;
    private readonly string _nonce = Guid.NewGuid().ToString("N");
    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _lost = new();
    private string _etag = "";
    private long _generation;
    private long _renewedAt;
    private int _disposed;

    private S3Lease(IAmazonS3 client, S3Location place, ReplicaOwner owner, TimeProvider time, Action released)
    {
        (_client, _place, _owner, _time, _released) = (client, place, owner, time, released);
        _key = place.Path.Length > 0 ? $"{place.Path}/{FileName}" : FileName;
    }

    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes the lease.</summary>
    /// <param name="client">The service.</param>
    /// <param name="place">Where.</param>
    /// <param name="owner">Who.</param>
    /// <param name="time">The clock.</param>
    /// <param name="released">Told when it is given back.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaInUseException">Another holds it.</exception>
    public static async Task<S3Lease> TakeAsync(
        IAmazonS3 client, S3Location place, ReplicaOwner owner, TimeProvider time, Action released, CancellationToken cancellationToken)
    {
        S3Lease lease = new(client, place, owner, time, released);
        (S3LeaseRecord Record, string ETag)? found = await lease.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (found is { } held && held.Record.ExpiresAt > time.GetUtcNow() && !held.Record.IsOfEndedProcess())
        {
            throw lease.InUse(held.Record);
        }

        lease._generation = (found?.Record.Generation ?? 0) + 1;
        if (!await lease.TryWriteAsync(found?.ETag, cancellationToken).ConfigureAwait(false))
        {
            throw lease.InUse((await lease.ReadAsync(cancellationToken).ConfigureAwait(false))?.Record);
        }

        return lease;
    }

    /// <summary>Returns when the lease holds for long enough to make a request; renews it if need be.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaInUseException">It is lost.</exception>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (!_lost.IsCancellationRequested && _time.GetElapsedTime(Volatile.Read(ref _renewedAt)) < Duration / 3)
        {
            return;
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_lost.IsCancellationRequested && _time.GetElapsedTime(_renewedAt) < Duration / 3)
            {
                return;
            }

            if (_lost.IsCancellationRequested || !await TryWriteAsync(_etag, cancellationToken).ConfigureAwait(false))
            {
                await _lost.CancelAsync().ConfigureAwait(false);
                throw InUse((await ReadAsync(cancellationToken).ConfigureAwait(false))?.Record);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Gives it back, so that the next need not wait; where the service cannot be reached it runs out by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _released();
        try
        {
            if (!_lost.IsCancellationRequested && await ReadAsync(CancellationToken.None).ConfigureAwait(false) is { } found && found.ETag == _etag)
            {
                await _client.DeleteObjectAsync(_place.Bucket, _key, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (S3Failure.IsServiceError(e, CancellationToken.None))
        {
        }

        _gate.Dispose();
        _lost.Dispose();
    }

    private async Task<(S3LeaseRecord Record, string ETag)?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            using GetObjectResponse response = await _client.GetObjectAsync(_place.Bucket, _key, cancellationToken).ConfigureAwait(false);
            using MemoryStream content = new();
            byte[] buffer = new byte[4096];
            while (content.Length <= MaxBytes && await response.ResponseStream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                content.Write(buffer, 0, read);
            }

            return (S3LeaseRecord.Parse(content.ToArray()), response.ETag);
        }
        catch (Exception e) when (S3Failure.IsMissingObject(e))
        {
            return null;
        }
    }

    /// <summary>Writes our record if the object is still the one of that ETag, or is not there if that is null.</summary>
    private async Task<bool> TryWriteAsync(string? expected, CancellationToken cancellationToken)
    {
        long now = _time.GetTimestamp(); // before the request: the lease cannot last longer than we think
        byte[] content = S3LeaseRecord.Of(_owner, _nonce, _generation, _time.GetUtcNow() + Duration).ToJson();
        string? etag = await TryPutAsync(content, expected, cancellationToken).ConfigureAwait(false);
        if (etag is null && expected is not null && await IsStillAsync(expected, cancellationToken).ConfigureAwait(false))
        {
            // Ceph compares with the ETag as it is without its quotes, against the standard.
            etag = await TryPutAsync(content, expected.Trim('"'), cancellationToken).ConfigureAwait(false);
        }

        if (etag is null && await ReadAsync(cancellationToken).ConfigureAwait(false) is { } found && found.Record.IsSameAs(content))
        {
            etag = found.ETag; // an answer was lost, and what stands there is ours
        }

        if (etag is null)
        {
            return false;
        }

        _etag = etag;
        Volatile.Write(ref _renewedAt, now);
        return true;
    }

    private async Task<bool> IsStillAsync(string etag, CancellationToken cancellationToken) =>
        await ReadAsync(cancellationToken).ConfigureAwait(false) is { } found && found.ETag == etag;

    private async Task<string?> TryPutAsync(byte[] content, string? expected, CancellationToken cancellationToken)
    {
        PutObjectRequest put = new()
        {
            BucketName = _place.Bucket,
            Key = _key,
            InputStream = new MemoryStream(content),
            ContentType = "application/json",
            UseChunkEncoding = false,
            IfMatch = expected,
            IfNoneMatch = expected is null ? "*" : null,
        };
        try
        {
            return (await _client.PutObjectAsync(put, cancellationToken).ConfigureAwait(false)).ETag;
        }
        catch (Exception e) when (S3Failure.IsConditionFailed(e) || S3Failure.IsMissingObject(e))
        {
            return null;
        }
        catch (Exception e) when (S3Failure.IsNotImplemented(e))
        {
            return await PutWithoutConditionAsync(content, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> PutWithoutConditionAsync(byte[] content, CancellationToken cancellationToken)
    {
        PutObjectRequest put = new() { BucketName = _place.Bucket, Key = _key, InputStream = new MemoryStream(content), UseChunkEncoding = false };
        await _client.PutObjectAsync(put, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(cancellationToken).ConfigureAwait(false) is { } found && found.Record.IsSameAs(content) ? found.ETag : null;
    }

    private ReplicaInUseException InUse(S3LeaseRecord? holder)
    {
        string who = holder is null ? "another replicator" : holder.Describe();
        return new ReplicaInUseException(
            $"The replica '{_place.Address}' is being written by {who}. Nothing of it was overwritten. Stop that replication first, or give this "
            + "database a place of its own.")
        { Replica = _place.Address, Database = holder?.Database };
    }
}
