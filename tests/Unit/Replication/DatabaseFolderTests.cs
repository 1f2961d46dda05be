using Litestream.Replication;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>Which databases there are in a folder, as they come and go.</summary>
public sealed class DatabaseFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Databases_are_found_by_name_and_content_and_what_belongs_to_them_is_passed_over()
    {
        Directory.CreateDirectory(_temporary["sub", "deeper"]);
        Directory.CreateDirectory(_temporary[".a.db-litestream"]);
        Directory.CreateDirectory(_temporary["replicas"]);
        foreach (string path in (string[])[_temporary["a.db"], _temporary["b.sqlite"], _temporary["sub", "deeper", "c.db"],
            _temporary[".a.db-litestream", "x.db"], _temporary["replicas", "y.db"]])
        {
            Make(path);
        }

        File.WriteAllText(_temporary["notes.db"], "SQLite format 3 is what this text is about, and it is no database");
        File.WriteAllText(_temporary["empty.db"], "");
        File.WriteAllText(_temporary["a.db-wal"], "");
        DatabaseFolder folder = new() { Path = _temporary.FullPath, Except = [_temporary["replicas"]] };

        Assert.Equal(["a.db", "b.sqlite"], Names(folder));
        Assert.Equal(["a.db"], Names(folder with { Filter = "*.db" }));
        Assert.Equal(["a.db", "b.sqlite", "sub/deeper/c.db"], Names(folder with { Recurse = true }));
    }

    [Fact]
    public void Each_database_has_its_place_below_the_common_one()
    {
        DatabaseFolder folder = new() { Path = _temporary.FullPath };
        string place = folder.PlaceOf(_temporary["sub", "c.db"]);

        Assert.Equal("sub/c.db", place);
        Assert.Equal(Path.Combine(_temporary.FullPath, "r", "sub", "c.db"), ReplicaLocation.Parse(_temporary["r"]).Below(place).Address);
        Assert.Equal("s3://bucket/all/sub/c.db", ReplicaLocation.Parse("s3://bucket/all").Below(place).Address);
        Assert.Equal("s3://bucket/sub/c.db", ReplicaLocation.Parse("s3://bucket").Below(place).Address);
    }

    [Fact]
    public async Task A_watch_begins_what_comes_ends_what_goes_and_waits_for_what_is_being_made()
    {
        List<string> said = [];
        Make(_temporary["a.db"]);
        DatabaseFolder folder = new() { Path = _temporary.FullPath, Recurse = true };
        await using DatabaseWatch watch = new(folder, (path, _) => Say("begin", path), path => Say("end", path), TimeSpan.FromHours(1));
        await watch.LookAsync(CancellationToken.None);
        Assert.Equal(["begin a.db"], Taken());

        File.WriteAllBytes(_temporary["b.db"], []);
        await watch.LookAsync(CancellationToken.None);
        Assert.Empty(Taken());
        File.Delete(_temporary["b.db"]);
        Make(_temporary["b.db"]);
        await watch.LookAsync(CancellationToken.None);
        Assert.Equal(["begin b.db"], Taken());

        // What is gone ends before what is new begins: under its new name a file may still be open here.
        File.Move(_temporary["a.db"], _temporary["0.db"]);
        await watch.LookAsync(CancellationToken.None);
        Assert.Equal(["end a.db", "begin 0.db"], Taken());
        await watch.LookAsync(CancellationToken.None);
        Assert.Empty(Taken());
        Assert.Equal(["0.db", "b.db"], watch.Databases.Select(Path.GetFileName));

        Task Say(string what, string path)
        {
            said.Add($"{what} {Path.GetFileName(path)}");
            return Task.CompletedTask;
        }

        string[] Taken()
        {
            string[] taken = [.. said];
            said.Clear();
            return taken;
        }
    }

    [Fact]
    public async Task One_that_cannot_begin_is_named_and_tried_again_later_and_a_folder_that_is_gone_ends_nothing()
    {
        Maintenance.ManualClock clock = new(DateTimeOffset.UnixEpoch);
        Directory.CreateDirectory(_temporary["dbs"]);
        Make(_temporary["dbs", "a.db"]);
        bool refuse = true;
        int begun = 0;
        await using DatabaseWatch watch = new(
            new DatabaseFolder { Path = _temporary["dbs"] },
            (path, _) => refuse ? throw new ReplicaLocationException("not now") : Task.FromResult(begun++),
            _ => throw new InvalidOperationException("nothing is gone"),
            TimeSpan.FromSeconds(10),
            clock);
        await watch.LookAsync(CancellationToken.None);
        Assert.Equal("not now", Assert.Single(watch.Failed).Error.Message);

        refuse = false;
        await watch.LookAsync(CancellationToken.None);
        Assert.Equal(0, begun);
        clock.Advance(TimeSpan.FromMinutes(2));
        await watch.LookAsync(CancellationToken.None);
        Assert.Equal(1, begun);
        Assert.Empty(watch.Failed);

        Directory.Move(_temporary["dbs"], _temporary["away"]);
        await watch.LookAsync(CancellationToken.None);
        Assert.Contains("cannot be looked through", watch.Trouble, StringComparison.Ordinal);
        Assert.Single(watch.Databases);
    }

    [Fact]
    public async Task A_running_watch_hears_of_a_new_database_from_the_system()
    {
        Make(_temporary["a.db"]);
        TaskCompletionSource<string> heard = new();
        await using DatabaseWatch watch = new(
            new DatabaseFolder { Path = _temporary.FullPath },
            (path, _) =>
            {
                if (Path.GetFileName(path) == "b.db")
                {
                    heard.TrySetResult(path);
                }

                return Task.CompletedTask;
            },
            _ => Task.CompletedTask,
            TimeSpan.FromHours(1));
        await watch.StartAsync(CancellationToken.None);
        Make(_temporary["b.db"]);

        Assert.Equal(_temporary["b.db"], await heard.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    private static IEnumerable<string> Names(DatabaseFolder folder) =>
        folder.Candidates().Where(DatabaseFolder.IsDatabase).Select(folder.PlaceOf);

    private static void Make(string path)
    {
        using Application application = new(path);
        application.Fill(1);
    }
}
