using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>
/// A folder in the middle of a life, made once and copied for each crash: a database with commits in its WAL that nobody has captured,
/// a replica of what was before in a full image and some captured files, the local state, an older restored copy, an older followed one.
/// </summary>
[CollectionDefinition(nameof(PreparedFolder))]
public sealed class PreparedFolder : ICollectionFixture<PreparedFolder>, IDisposable
{
    private static readonly Lazy<Task<TemporaryFolder>> Made = new(MakeAsync);

    // Its path, once it is made.
    private static async Task<string> GetAsync() => (await Made.Value).FullPath;

    /// <summary>A copy of it that a deed can begin with: "begin" has neither replica nor local state.</summary>
    internal static async Task CopyForAsync(string deed, string to)
    {
        Copy(await GetAsync(), to);
        if (deed == "begin")
        {
            Directory.Delete(Path.Combine(to, "replica"), recursive: true);
            Directory.Delete(Path.Combine(to, ".app.db-litestream"), recursive: true);
        }
    }

    /// <summary>Copies a folder.</summary>
    internal static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
            File.SetLastWriteTimeUtc(copy, File.GetLastWriteTimeUtc(file)); // a replica file's time is that of its capture
        }
    }

    public void Dispose()
    {
        if (Made.IsValueCreated)
        {
            Made.Value.GetAwaiter().GetResult().Dispose();
        }
    }

    private static async Task<TemporaryFolder> MakeAsync()
    {
        TemporaryFolder folder = new();
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(folder["app.db"], "PRAGMA journal_mode=wal");
        await application.ExecuteAsync("CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)");
        const string Insert = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 30) INSERT INTO t(b) SELECT randomblob(4000) FROM n";
        await application.ExecuteAsync(Insert);
        await Deeds.DoAsync("replicate", folder.FullPath);
        await Deeds.DoAsync("restore", folder.FullPath);
        await Deeds.DoAsync("follow", folder.FullPath);
        for (int i = 0; i < 3; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id % 5 = 2; " + Insert + "; DELETE FROM t WHERE id % 3 = 0");
            await Deeds.DoAsync("replicate", folder.FullPath);
        }

        await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id % 4 = 1");
        await application.ExecuteAsync("DELETE FROM t WHERE id % 7 = 0");
        await application.KillAsync();
        File.Delete(folder["app.db-shm"]);
        return folder;
    }
}
