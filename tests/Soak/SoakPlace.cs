using Litestream.Storage;

namespace Litestream.Tests.Soak;

/// <summary>Where the replicas go: a folder, or a place in S3 with its options in the URL's query, as <c>s3://bucket/path?endpoint=http://host:9000</c>.</summary>
internal sealed class SoakPlace
{
    private const string Scheme = "s3://";
    private const string EndpointOption = "endpoint=";

    private readonly string _base;
    private readonly string _query;
    private readonly Uri? _store;

    /// <summary>Reads it.</summary>
    /// <param name="destination">As the user gave it; null for a folder in the soak's own.</param>
    /// <param name="folder">The soak's.</param>
    public SoakPlace(string? destination, string folder)
    {
        if (destination?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) is not true)
        {
            Folder = _base = Path.GetFullPath(destination ?? Path.Combine(folder, "replica"));
            _query = "";
            return;
        }

        string[] parts = destination.Split('?', 2);
        (_base, _query) = (parts[0].TrimEnd('/'), parts.Length > 1 ? parts[1] : "");
        string? endpoint = Options.FirstOrDefault(option => option.StartsWith(EndpointOption, StringComparison.OrdinalIgnoreCase));
        if (endpoint is not null && Uri.TryCreate(Uri.UnescapeDataString(endpoint[EndpointOption.Length..]), UriKind.Absolute, out Uri? store)
            && store.Scheme == Uri.UriSchemeHttp)
        {
            _store = store;
        }
    }

    /// <summary>The folder; null if it is none.</summary>
    public string? Folder { get; }

    /// <summary>The store's URL, if something can stand before it: plain HTTP at a named endpoint.</summary>
    public Uri? Store => _store;

    private IEnumerable<string> Options => _query.Split('&', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The place of one database's replica.</summary>
    /// <param name="database">The database's name.</param>
    /// <param name="gate">What the replicator goes through; null for nothing.</param>
    public string Of(string database, Uri? gate)
    {
        if (Folder is not null)
        {
            return Path.Combine(Folder, database);
        }

        string[] options = [.. Options.Select(option => gate is not null && option.StartsWith(EndpointOption, StringComparison.OrdinalIgnoreCase) ? $"{EndpointOption}{gate.OriginalString}" : option)];
        return $"{_base}/{database}{(options.Length > 0 ? "?" : "")}{string.Join('&', options)}";
    }

    /// <summary>What the replicator's own parser says against it; null for nothing.</summary>
    public string? Fault()
    {
        try
        {
            _ = ReplicaLocation.Parse(Of("db0", null));
            return null;
        }
        catch (LitestreamException e)
        {
            return e.Message;
        }
    }
}
