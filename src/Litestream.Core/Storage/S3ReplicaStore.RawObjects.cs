using Amazon.S3.Model;

namespace Litestream.Storage;

/// <content>Objects that are no <c>.ltx</c> files.</content>
internal sealed partial class S3ReplicaStore : IRawObjects
{
    public Task<IReadOnlyList<RawObject>> ListRawAsync(string folder, CancellationToken cancellationToken) =>
        GuardAsync(() => ListRawObjectsAsync($"{Prefix}{folder}/", cancellationToken), $"listing '{Prefix}{folder}/'", file: null, cancellationToken);

    public Task<Stream> OpenRawAsync(string name, CancellationToken cancellationToken) => OpenAsync(Prefix + name, 0, null, cancellationToken);

    private async Task<IReadOnlyList<RawObject>> ListRawObjectsAsync(string prefix, CancellationToken cancellationToken)
    {
        List<RawObject> found = [];
        ListObjectsV2Request request = new() { BucketName = Place.Bucket, Prefix = prefix };
        ListObjectsV2Response page;
        do
        {
            page = await _client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
            foreach (S3Object item in page.S3Objects ?? [])
            {
                if (item.Key.StartsWith(prefix, StringComparison.Ordinal))
                {
                    DateTimeOffset modified = new((item.LastModified ?? DateTime.UnixEpoch).ToUniversalTime());
                    found.Add(new RawObject(item.Key[Prefix.Length..], item.Size ?? 0, WholeMilliseconds(modified)));
                }
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true && !string.IsNullOrEmpty(page.NextContinuationToken));

        return found;
    }
}
