using Litestream.Ltx;
using Litestream.Replication;
using Litestream.State;
using Litestream.Storage;
using Litestream.Tests.Unit.Ltx;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>A database and a replica in a folder of the test's own, and the replicators that the test starts on them.</summary>
internal sealed class ReplicationFolder : IAsyncDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly List<Replicator> _replicators = [];

    /// <summary>Full path of the database.</summary>
    public string Database => _temporary["app.db"];

    /// <summary>Full path of the replica.</summary>
    public string Replica => _temporary["replica"];

    /// <summary>Full path of the database's local state.</summary>
    public string State => _temporary[".app.db-litestream"];

    public string this[params string[] parts] => _temporary[parts];

    /// <summary>What the test changes of the options.</summary>
    public ReplicationOptions Options => new() { DatabasePath = Database, Destinations = [ReplicaLocation.Parse(Replica)], BusyTimeout = TimeSpan.FromSeconds(1) };

    /// <summary>A replicator that is not started.</summary>
    public Replicator Create(ReplicationOptions? options = null, TimeProvider? time = null)
    {
        var replicator = new Replicator(options ?? Options, time);
        _replicators.Add(replicator);
        return replicator;
    }

    /// <summary>A replicator that streams.</summary>
    public async Task<Replicator> StartAsync(ReplicationOptions? options = null, TimeProvider? time = null)
    {
        Replicator replicator = Create(options, time);
        await replicator.StartAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        return replicator;
    }

    /// <summary>Streams from start to end: catches up and stops. Tells what it did.</summary>
    public async Task<ReplicationStatus> OnceAsync(ReplicationOptions? options = null)
    {
        Replicator replicator = await StartAsync(options);
        await replicator.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(ReplicationState.Stopped, replicator.Status.State);
        return replicator.Status;
    }

    /// <summary>An application in a process of its own, with a table <c>t</c> of so many rows of a page each.</summary>
    public async Task<ApplicationProcess> OpenApplicationAsync(int rows, string setup = "PRAGMA journal_mode=wal")
    {
        ApplicationProcess application = await ApplicationProcess.OpenAsync(Database, setup);
        await application.ExecuteAsync("CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)");
        await application.ExecuteAsync(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO t(b) SELECT randomblob(4000) FROM n"));
        return application;
    }

    /// <summary>Names, sizes and times of all files of the replica.</summary>
    public string[] ReplicaFiles() =>
        [.. new DirectoryInfo(Path.Combine(Replica, "ltx")).EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}").Order()];

    /// <summary>The node id in the local state.</summary>
    public ulong NodeId()
    {
        using PageChecksumTable table = PageChecksumTable.TryOpen(new LocalStateFolder(Database).TablePath)!;
        return table.NodeId;
    }

    /// <summary>Leaves of the local state what a first start has before its base image is there.</summary>
    public void RollTableBack(ulong node)
    {
        File.Delete(Path.Combine(State, "head"));
        using PageChecksumTable table = PageChecksumTable.Create(new LocalStateFolder(Database).TablePath, LtxHeader.MinPageSize, node);
        table.Publish(new LocalStateFolder(Database).TablePath, 0, 0, 0);
    }

    /// <summary>Copies a folder with all that is in it.</summary>
    public void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>Puts a captured file into the replica that another replicator has written.</summary>
    public async Task WriteForeignFileAsync(LtxFileName name)
    {
        string path = Path.Combine(Replica, "ltx", "0", name.ToString());
        LtxSpecimen specimen = new() { MinTxid = name.MinTxid, MaxTxid = name.MaxTxid, Pages = [(1, new byte[512])] };
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, specimen.ToBytes());
    }

    /// <summary>Fails unless the replica holds exactly the database. Nobody has it open.</summary>
    public Task<ulong> EqualAsync() => Images.EqualAsync(Database, Replica);

    public async ValueTask DisposeAsync()
    {
        foreach (Replicator replicator in _replicators)
        {
            await replicator.DisposeAsync();
        }

        _temporary.Dispose();
    }
}
