namespace Litestream.Storage;

/// <content>Files that are no <c>.ltx</c> files.</content>
internal sealed partial class FolderReplicaStore : IRawObjects
{
    private static readonly EnumerationOptions TwoDeep = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 2,
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    public Task<IReadOnlyList<RawObject>> ListRawAsync(string folder, CancellationToken cancellationToken)
    {
        string path = Path.Combine(_folder, folder);
        return Task.Run(() => Guard<IReadOnlyList<RawObject>>(() => ListRaw(path, cancellationToken), $"listing '{path}'", path), cancellationToken);
    }

    public Task<Stream> OpenRawAsync(string name, CancellationToken cancellationToken)
    {
        string path = Path.Combine(_folder, name.Replace('/', Path.DirectorySeparatorChar));
        return Task.Run(() => Guard<Stream>(() => OpenRead(path, 0, null), $"opening '{path}'", path), cancellationToken);
    }

    private List<RawObject> ListRaw(string folder, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        List<RawObject> found = [];
        foreach (FileInfo info in new DirectoryInfo(folder).EnumerateFiles("*", TwoDeep))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (info.Exists)
            {
                string name = Path.GetRelativePath(_folder, info.FullName).Replace(Path.DirectorySeparatorChar, '/');
                found.Add(new RawObject(name, info.Length, WholeMilliseconds(info.LastWriteTimeUtc)));
            }
        }

        return found;
    }
}
