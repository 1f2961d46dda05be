using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;
using Litestream.Ltx;

namespace Litestream.Storage;

/// <summary>
/// A replica in a bucket: <c>&lt;path&gt;/&lt;level as %04x&gt;/&lt;min&gt;-&lt;max&gt;.ltx</c>, with the header's timestamp in the metadata
/// <c>litestream-timestamp</c>, as Litestream keeps it.
/// <para>
/// An object appears whole or not at all: one PUT, or the completion of a multipart upload. Its bytes are checked on the way (Content-MD5,
/// signed payload). What a crashed writer left of multipart uploads is aborted by the next one, once it has the lease.
/// </para>
/// </summary>
internal sealed partial class S3ReplicaStore : IReplicaStore
{
    /// <summary>Litestream's name for the time in an object's metadata.</summary>
    public const string TimestampKey = "litestream-timestamp";

    private const long MaxCopy = 5L << 30; // CopyObject's own limit
    private const int MetadataRequests = 16;

    private readonly IAmazonS3 _client;
    private readonly TimeProvider _time;

    // By key, with the ETag of the version: a listing asks only for what it has not seen before.
    private readonly ConcurrentDictionary<string, (string ETag, ReplicaFile File)> _described = new(StringComparer.Ordinal);
    private readonly S3ReadAhead _ahead = new();
    private volatile S3Lease? _lease;

    /// <summary>Nothing is asked or sent yet.</summary>
    /// <param name="place">The bucket and its options.</param>
    /// <param name="client">The service; disposed with the store.</param>
    /// <param name="time">The clock of leases.</param>
    public S3ReplicaStore(S3Location place, IAmazonS3 client, TimeProvider time)
    {
        (Place, _client, _time) = (place, client, time);
    }

    /// <summary>The bucket and its options.</summary>
    public S3Location Place { get; }

    public string Location => Place.Address;

    public int Concurrency => Place.Concurrency ?? Place.Profile.Concurrency;

    public async IAsyncEnumerable<ReplicaFile> ListAsync(int level, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<Listed> found = await ListKeysAsync(level, cancellationToken).ConfigureAwait(false);

        // A listing does not hold the metadata, so each time is asked for, some in advance of what is taken.
        Queue<Task<ReplicaFile?>> ahead = new();
        foreach (Listed file in found)
        {
            ahead.Enqueue(DescribeAsync(level, file, cancellationToken));
            if (ahead.Count >= MetadataRequests && await ahead.Dequeue().ConfigureAwait(false) is { } described)
            {
                yield return described;
            }
        }

        while (ahead.TryDequeue(out Task<ReplicaFile?>? next))
        {
            if (await next.ConfigureAwait(false) is { } file)
            {
                yield return file;
            }
        }
    }

    public async IAsyncEnumerable<ReplicaFile> ListRoughlyAsync(int level, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Listed file in await ListKeysAsync(level, cancellationToken).ConfigureAwait(false))
        {
            yield return Known(file) ?? new ReplicaFile(level, file.Name, file.Size, WholeMilliseconds(file.StoredAt));
        }
    }

    public async Task<DateTimeOffset> TimeOfAsync(ReplicaFile file, CancellationToken cancellationToken)
    {
        string key = FileKey(file.Level, file.Name);
        return (await DescribeAsync(file.Level, new Listed(file.Name, "", key, file.Size, file.Timestamp), cancellationToken).ConfigureAwait(false))?.Timestamp
            ?? throw Missing(key, cause: null);
    }

    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (length is { } given)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(given, nameof(length));
        }

        return OpenAsync(FileKey(level, name), offset, length, cancellationToken);
    }

    public async Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken)
    {
        string key = FileKey(level, name);
        S3WriteStream stream = new(_client, this, key, timestamp, length);
        await using (stream.ConfigureAwait(false))
        {
            // The writer's own errors come through as they are; those of the service are told apart by their types.
            await GuardAsync(() => WriteAsync(stream, write, cancellationToken), $"writing '{key}'", key, cancellationToken).ConfigureAwait(false);
            if (length is { } promised && stream.Length != promised)
            {
                throw new InvalidOperationException($"'{key}' was to be {promised} bytes long, but {stream.Length} were written.");
            }

            cancellationToken.ThrowIfCancellationRequested();
            string? etag = await GuardAsync(() => stream.CompleteAsync(turn, cancellationToken), $"writing '{key}'", key, cancellationToken).ConfigureAwait(false);
            Remember(key, etag, new ReplicaFile(level, name, stream.Length, WholeMilliseconds(timestamp)));
        }
    }

    public async Task CopyAsync(int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken)
    {
        string from = FileKey(fromLevel, name);
        string to = FileKey(toLevel, name);
        await EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
        long size = await GuardAsync(() => SizeAsync(from, cancellationToken), $"copying '{from}'", from, cancellationToken).ConfigureAwait(false);
        if (size > MaxCopy)
        {
            Stream source = await OpenReadAsync(fromLevel, name, 0, null, cancellationToken).ConfigureAwait(false);
            await using (source.ConfigureAwait(false))
            {
                await PutInTurnAsync(toLevel, name, timestamp, size, (target, cancel) => source.CopyToAsync(target, cancel), Task.CompletedTask, cancellationToken)
                    .ConfigureAwait(false);
            }

            return;
        }

        CopyObjectResponse copied = await GuardAsync(
            () => _client.CopyObjectAsync(CopyRequest(from, to, timestamp), cancellationToken), $"copying '{from}' to '{to}'", to, cancellationToken)
            .ConfigureAwait(false);
        Remember(to, copied.ETag, new ReplicaFile(toLevel, name, size, WholeMilliseconds(timestamp)));
    }

    public async Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken)
    {
        string key = FileKey(level, name);
        await EnsureLeaseAsync(cancellationToken).ConfigureAwait(false);
        await GuardAsync(() => _client.DeleteObjectAsync(Place.Bucket, key, cancellationToken), $"deleting '{key}'", key, cancellationToken)
            .ConfigureAwait(false);
    }

    public async Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken)
    {
        S3Lease lease = await GuardAsync(
            () => S3Lease.TakeAsync(_client, Place, owner, _time, released: () => _lease = null, cancellationToken),
            "taking the right to write",
            file: null,
            cancellationToken).ConfigureAwait(false);
        try
        {
            await GuardAsync(() => AbortUploadsAsync(cancellationToken), "aborting a crashed writer's uploads", file: null, cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _lease = lease;
        return lease;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Before each change: the right to make it still stands, or is renewed.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaInUseException">Another has taken it.</exception>
    internal Task EnsureLeaseAsync(CancellationToken cancellationToken) => _lease is { } lease
        ? GuardAsync(() => lease.EnsureAsync(cancellationToken), "renewing the right to write", file: null, cancellationToken)
        : Task.CompletedTask;

    internal PutObjectRequest Request(PutObjectRequest put, DateTimeOffset timestamp)
    {
        put.UseChunkEncoding = false;
        put.StorageClass = Place.StorageClass;
        put.Metadata[TimestampKey] = Text(timestamp);
        put.ServerSideEncryptionMethod = Place.ServerSideEncryption;
        put.ServerSideEncryptionKeyManagementServiceKeyId = Place.KmsKeyId;
        if (Place.CustomerKey is { } key)
        {
            put.ServerSideEncryptionCustomerMethod = ServerSideEncryptionCustomerMethod.AES256;
            put.ServerSideEncryptionCustomerProvidedKey = key.Reveal();
        }

        return put;
    }

    internal InitiateMultipartUploadRequest Request(InitiateMultipartUploadRequest start, DateTimeOffset timestamp)
    {
        start.StorageClass = Place.StorageClass;
        start.Metadata[TimestampKey] = Text(timestamp);
        start.ServerSideEncryptionMethod = Place.ServerSideEncryption;
        start.ServerSideEncryptionKeyManagementServiceKeyId = Place.KmsKeyId;
        if (Place.CustomerKey is { } key)
        {
            start.ServerSideEncryptionCustomerMethod = ServerSideEncryptionCustomerMethod.AES256;
            start.ServerSideEncryptionCustomerProvidedKey = key.Reveal();
        }

        return start;
    }

    internal UploadPartRequest Request(UploadPartRequest part)
    {
        if (Place.CustomerKey is { } key)
        {
            part.ServerSideEncryptionCustomerMethod = ServerSideEncryptionCustomerMethod.AES256;
            part.ServerSideEncryptionCustomerProvidedKey = key.Reveal();
        }

        return part;
    }

    private Task<Stream> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            try
            {
                return await S3ReadStream.OpenAsync(
                        _client, () => GetRequest(key), Location, _ahead, _time, offset, length, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (S3Failure.IsMissingObject(e))
            {
                throw Missing(key, e);
            }
        },
        $"opening '{key}'",
        key,
        cancellationToken);

    private static async Task<bool> WriteAsync(Stream stream, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        try
        {
            await write(stream, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (IOException e)
        {
            throw new WriterFailedException(e);
        }
    }

    private Task<List<Listed>> ListKeysAsync(int level, CancellationToken cancellationToken)
    {
        string folder = LevelKey(level);
        return GuardAsync(
            async () =>
            {
                List<Listed> found = [];
                ListObjectsV2Request request = new() { BucketName = Place.Bucket, Prefix = folder };
                ListObjectsV2Response page;
                do
                {
                    page = await _client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
                    found.AddRange(Files(page, folder));
                    request.ContinuationToken = page.NextContinuationToken;
                }
                while (page.IsTruncated == true && !string.IsNullOrEmpty(page.NextContinuationToken));

                found.Sort(static (left, right) => left.Name.CompareTo(right.Name)); // not every provider lists in order
                Forget(folder, found);
                return found;
            },
            $"listing '{folder}'",
            file: null,
            cancellationToken);
    }

    private static IEnumerable<Listed> Files(ListObjectsV2Response page, string folder)
    {
        foreach (S3Object item in page.S3Objects ?? [])
        {
            if (item.Key.StartsWith(folder, StringComparison.Ordinal) && LtxFileName.TryParse(item.Key[folder.Length..], out LtxFileName name))
            {
                yield return new Listed(name, item.ETag ?? "", item.Key, item.Size ?? 0, Utc(item.LastModified));
            }
        }
    }

    // What we wrote ourselves need not be asked for.
    private void Remember(string key, string? etag, ReplicaFile file)
    {
        if (!string.IsNullOrEmpty(etag))
        {
            _described[key] = (etag, file);
        }
    }

    private void Forget(string folder, List<Listed> found)
    {
        HashSet<string> there = [.. found.Select(file => file.Key)];
        foreach (string key in _described.Keys.Where(key => key.StartsWith(folder, StringComparison.Ordinal) && !there.Contains(key)))
        {
            _described.TryRemove(key, out _);
        }
    }

    private ReplicaFile? Known(Listed file) =>
        _described.TryGetValue(file.Key, out (string ETag, ReplicaFile File) known) && known.ETag.Trim('"') == file.ETag.Trim('"') ? known.File : null;

    private Task<ReplicaFile?> DescribeAsync(int level, Listed listed, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            if (Known(listed) is { } known)
            {
                return known;
            }

            try
            {
                GetObjectMetadataResponse head = await _client.GetObjectMetadataAsync(HeadRequest(listed.Key), cancellationToken).ConfigureAwait(false);
                DateTimeOffset time = DateTimeOffset.TryParse(
                    head.Metadata[TimestampKey], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset given)
                    ? given.ToUniversalTime()
                    : Utc(head.LastModified);
                ReplicaFile file = new(level, listed.Name, head.ContentLength, WholeMilliseconds(time));
                Remember(listed.Key, head.ETag, file);
                return file;
            }
            catch (Exception e) when (S3Failure.IsMissingObject(e))
            {
                return (ReplicaFile?)null; // deleted since it was listed
            }
        },
        $"looking at '{listed.Key}'",
        listed.Key,
        cancellationToken);

    private async Task<long> SizeAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return (await _client.GetObjectMetadataAsync(HeadRequest(key), cancellationToken).ConfigureAwait(false)).ContentLength;
        }
        catch (Exception e) when (S3Failure.IsMissingObject(e))
        {
            throw Missing(key, e);
        }
    }

    private async Task<bool> AbortUploadsAsync(CancellationToken cancellationToken)
    {
        ListMultipartUploadsRequest request = new() { BucketName = Place.Bucket, Prefix = Prefix };
        ListMultipartUploadsResponse page;
        do
        {
            try
            {
                page = await _client.ListMultipartUploadsAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (S3Failure.IsNotImplemented(e))
            {
                return false;
            }

            foreach (MultipartUpload upload in page.MultipartUploads ?? [])
            {
                if (IsOurs(upload.Key))
                {
                    await _client.AbortMultipartUploadAsync(Place.Bucket, upload.Key, upload.UploadId, cancellationToken).ConfigureAwait(false);
                }
            }

            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);

        return true;
    }

    // <prefix>000N/<name>.ltx and nothing else: the path may be the beginning of another replica's.
    private bool IsOurs(string key) => key.StartsWith(Prefix, StringComparison.Ordinal)
        && key.AsSpan(Prefix.Length) is { Length: > 5 } rest && rest[4] == '/' && LtxFileName.TryParse(rest[5..].ToString(), out _);

    private GetObjectRequest GetRequest(string key)
    {
        GetObjectRequest get = new() { BucketName = Place.Bucket, Key = key };
        if (Place.CustomerKey is { } its)
        {
            get.ServerSideEncryptionCustomerMethod = ServerSideEncryptionCustomerMethod.AES256;
            get.ServerSideEncryptionCustomerProvidedKey = its.Reveal();
        }

        return get;
    }

    private GetObjectMetadataRequest HeadRequest(string key)
    {
        GetObjectMetadataRequest head = new() { BucketName = Place.Bucket, Key = key };
        if (Place.CustomerKey is { } its)
        {
            head.ServerSideEncryptionCustomerMethod = ServerSideEncryptionCustomerMethod.AES256;
            head.ServerSideEncryptionCustomerProvidedKey = its.Reveal();
        }

        return head;
    }

    private CopyObjectRequest CopyRequest(string from, string to, DateTimeOffset timestamp)
    {
        CopyObjectRequest copy = new()
        {
            SourceBucket = Place.Bucket,
            SourceKey = from,
            DestinationBucket = Place.Bucket,
            DestinationKey = to,
            MetadataDirective = S3MetadataDirective.REPLACE,
            StorageClass = Place.StorageClass,
            ServerSideEncryptionMethod = Place.ServerSideEncryption,
            ServerSideEncryptionKeyManagementServiceKeyId = Place.KmsKeyId,
        };
        copy.Metadata[TimestampKey] = Text(timestamp);
        if (Place.CustomerKey is { } its)
        {
            copy.ServerSideEncryptionCustomerMethod = copy.CopySourceServerSideEncryptionCustomerMethod = ServerSideEncryptionCustomerMethod.AES256;
            copy.ServerSideEncryptionCustomerProvidedKey = copy.CopySourceServerSideEncryptionCustomerProvidedKey = its.Reveal();
        }

        return copy;
    }

    private ReplicaFileNotFoundException Missing(string key, Exception? cause) => new(
        $"The replica has no file '{key}' (any more). Nothing was changed. List the replica again: a merge or the retention may have replaced it by another.",
        cause)
    { Replica = Location, File = key };

    private async Task<T> GuardAsync<T>(Func<Task<T>> action, string doing, string? file, CancellationToken cancellationToken)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (WriterFailedException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException!);
            throw;
        }
        catch (Exception e) when (S3Failure.IsServiceError(e, cancellationToken))
        {
            throw S3Failure.Translate(e, doing, Location, file);
        }
    }

    private Task<bool> GuardAsync(Func<Task> action, string doing, string? file, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            await action().ConfigureAwait(false);
            return true;
        },
        doing,
        file,
        cancellationToken);

    private string Prefix => Place.Path.Length > 0 ? Place.Path + "/" : "";

    private string LevelKey(int level)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, LtxFileName.SnapshotLevel);
        return string.Create(CultureInfo.InvariantCulture, $"{Prefix}{level:x4}/");
    }

    private string FileKey(int level, LtxFileName name) => LevelKey(level) + name;

    private static string Text(DateTimeOffset time) => WholeMilliseconds(time).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static DateTimeOffset WholeMilliseconds(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);

    private static DateTimeOffset Utc(DateTime? time) => new((time ?? DateTime.UnixEpoch).ToUniversalTime());

    /// <summary>A file as a listing shows it.</summary>
    private sealed record Listed(LtxFileName Name, string ETag, string Key, long Size, DateTimeOffset StoredAt);

    /// <summary>Carries an error of the writer's own input past those of the service.</summary>
    private sealed class WriterFailedException(IOException cause) : Exception(cause.Message, cause);
}
